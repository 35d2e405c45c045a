// Package guard notices when a tenant's forms are used to bomb strangers with
// mail, and cuts off those who do it.
//
// Whoever asks for a code of a type that anybody can cause (to sign in, to
// register, to reset a password) names an address that may not be theirs. One
// such mail is nothing; ten thousand to a list of addresses are an attack, on
// their owners and on the sender's reputation. What tells the two apart is
// that people verify their codes and attackers cannot. So the guard counts,
// for each IP address, for the block and the network that it is in, for each
// recipient domain and for the tenant as a whole, the persons asked for and
// those who verified. alert.go holds the rule of the alert, judge.go what
// follows for a source, simulation_test.go the attacks and the people that
// both were made for.
//
// # What passes
//
//   - Another mail to a person who was sent one on behalf of that IP address:
//     the limit of the recipient bounds that.
//   - Without an alert, all but an IP address with dozens of persons who did not
//     verify.
//   - In an alert, an IP address where people verify, in proportion to them, and
//     several persons from each address in a block where they do.
//   - In an alert, two persons from an IP address that nothing is known of: the
//     first at once, the second five minutes later, or half a minute in a network
//     where people verify. A correction of the last address does not count.
//     Further ones pass if nobody was asked for in the last hour.
//   - Of a block or network where nobody verifies, a few persons in all.
//
// Refused persons count like those that passed, so it does not help to go on.
// Two people who come at one home at once, in an attack, may have to wait for
// those minutes; nobody who is told to wait is refused again then.
//
// A domain that stands out in an alert, against what was usual, is cut off as a
// whole, except from where people verify and for those who verified within
// the last month. Such persons are counted like any others otherwise: an
// attacker may have a list of them.
//
// Requests without an IP address are judged by the domain alone. When an
// attack is on domains that the tenant's own people use as well, or on many,
// the guard tells of it and stops nothing: it cannot without stopping
// everybody. Who passes the client's address on is better protected.
//
// # What it does not do
//
// Who has codes of his own to verify, one for every few strangers, is let do
// so by the guard; the limits of package limits bound him. People behind the
// very IP address of an attacker share its bounds.
//
// It is in memory. A code is often verified at another node than the one that
// was asked for it, so nodes have to tell each other what they see
// (Options.Share, Guard.Observe); without, each of them finds that nobody
// verifies. What comes to several nodes before they have told each other is
// judged by each alone: of addresses that are asked for in one moment, each
// node lets one pass.
//
// After a restart it knows no baseline and no proven sources, and learns them
// in a day; until then an alert is as strict to a big office as to any other
// source, and no domain stands out. The limits of package limits are stored,
// and hold meanwhile.
//
// It does not decide which types are anonymous. It keeps hashes of addresses,
// and of a source that nobody verified from the last address itself, to know a
// correction.
package guard
