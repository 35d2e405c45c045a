// Package guard notices when a tenant's forms are used to bomb strangers with
// mail, and cuts off those who do it.
//
// Whoever asks for a code of a type that anybody can cause (to sign in, to
// register, to reset a password) names an address that may not be theirs. One
// such mail is nothing; ten thousand to a list of addresses are an attack, on
// their owners and on the sender's reputation. What tells the two apart is
// that people verify their codes and attackers cannot. So the guard counts,
// for each IP address, for each block of them, for each recipient domain and
// for the tenant as a whole, the persons asked for and those who verified.
// tenant.go holds the rule of the alert, judge.go what follows for a source.
//
// # What passes
//
//   - Another mail to a person who was sent one from there: the limit of the
//     recipient bounds that.
//   - Without an alert, all but a source with dozens of codes that nobody
//     verified.
//   - In an alert, a source where people verify, in proportion to them, and the
//     addresses of a block where they do.
//   - In an alert, two persons from an IP address that nothing is known of: the
//     first at once, the second when the first one had two minutes to verify
//     their code. An address that is a correction of the last one does not
//     count. Further ones pass one an hour, if the source is quiet meanwhile.
//
// A domain that stands out in an alert, against what was usual, is cut off as a
// whole, except from where people verify and for those who verified within
// the last month. Such persons are counted like any others otherwise:
// an attacker may have a list of them.
//
// Requests without an IP address are judged by the domain alone. When the
// addresses are at domains that the tenant's own people use as well, the
// guard tells of the attack and stops nothing: it cannot without stopping
// everybody. Who passes the client's address on is better protected.
//
// # What it is not
//
// It is in memory, and each node watches what comes to it: its rules
// are ratios, which a share shows as well as the whole does. After a restart
// it knows no baseline and no proven sources, and learns them in a day; until
// then an alert is as strict to a big office as to any other new source. The
// limits of package limits are stored, and hold meanwhile. It does not decide
// which types are anonymous, and keeps no address but the last one asked for
// from a source, to know a correction.
package guard
