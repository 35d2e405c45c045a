//go:build unix

package servers

import (
	"fmt"
	"os/user"
	"path/filepath"
	"strings"
)

// postfixName is the server's name in its greeting and the realm of its users.
const postfixName = "mail.inbox.test"

// catchAll is the maildir that takes the mail of every address. Postfix
// refuses to build the name of a mailbox from the address by a pattern, so
// readers tell the mails apart by their Delivered-To field.
const catchAll = "all"

// mailboxMap says which addresses have a mailbox (regexp_table(5)).
const mailboxMap = `if !/^unknown/
/@inbox\.test$/ ` + catchAll + `/
endif
/^known@example\.net$/ ` + catchAll + `/
`

// postfixScript prepares the files in $1 as root and runs a Postfix on them:
// "start PORT TLSPORT" and "stop" as often as ordered.
const postfixScript = `
folder=$1 mailboxes=$2 realm=$3 user=$4 password=$5
PATH=$PATH:/usr/sbin:/usr/local/sbin
config=$folder/config
master() { "$(postconf -c "$config" -h daemon_directory)/master" -c "$config" "$@"; }
prepare() {
	[ ! -d "$folder/queue" ] || return 0
	umask 022
	owner=$(postconf -c "$config" -h mail_owner) &&
	mkdir "$folder/queue" "$folder/data" "$folder/mail" "$folder/log" &&
	chown -R 0:0 "$folder" &&
	chmod 755 "$folder" &&
	chmod 644 "$config"/*.* "$config/mailboxes" "$config/sasl/smtpd.conf" &&
	chown "$owner" "$folder/data" &&
	chown "$mailboxes" "$folder/mail" &&
	printf %s "$password" | saslpasswd2 -c -p -f "$config/sasl/sasldb2" -u "$realm" "$user" &&
	chmod 644 "$config/sasl/sasldb2" &&
	postfix -c "$config" check
}
start() {
	sed -e "s/@PORT@/$1/" -e "s/@TLSPORT@/$2/" "$config/master.cf.in" >"$config/master.cf" &&
	prepare &&
	master -w
}
stop() {
	[ -f "$folder/queue/pid/master.pid" ] || return 0
	master -t && return 0
	kill "$(sed 1q "$folder/queue/pid/master.pid")"
	until master -t; do sleep 0.02; done
}
while read -r order port tlsport; do
	if "$order" "$port" "$tlsport" >>"$folder/guard.log" 2>&1 </dev/null; then echo ok; else echo failed; fi
done
stop >/dev/null 2>&1
rm -rf "$folder"
`

// mainCF returns the settings of the server in folder.
func mainCF(folder, policy string, owner *user.User, s postfixSettings) string {
	at := func(name string) string { return filepath.Join(folder, name) }
	lines := []string{
		"compatibility_level = 3.6",
		"queue_directory = " + at("queue"),
		"data_directory = " + at("data"),
		"maillog_file = " + at("log/maillog"),
		"maillog_file_prefixes = " + folder,
		"inet_interfaces = 127.0.0.1",
		"inet_protocols = ipv4",
		"myhostname = " + postfixName,
		"mydestination =",
		"alias_maps =",
		"alias_database =",

		// Where mail goes, and that none leaves.
		"virtual_mailbox_domains = " + OpenDomain + " " + ListedDomain,
		"virtual_mailbox_maps = regexp:" + at("config/mailboxes"),
		"virtual_mailbox_base = " + at("mail"),
		"virtual_mailbox_limit = 0",
		"virtual_minimum_uid = 1",
		"virtual_uid_maps = static:" + owner.Uid,
		"virtual_gid_maps = static:" + owner.Gid,
		"default_transport = error:5.1.2 no mail leaves this server",
		"disable_dns_lookups = yes",
		"smtpd_peername_lookup = no",

		// TLS and AUTH, as a submission server has them (RFC 6409, RFC 8314).
		"smtpd_tls_security_level = encrypt",
		"smtpd_tls_auth_only = yes",
		"smtpd_tls_chain_files = " + at("tls/chain.pem"),
		"smtpd_tls_loglevel = 1",
		"smtpd_sasl_auth_enable = yes",
		"smtpd_sasl_type = cyrus",
		"smtpd_sasl_path = smtpd",
		// Where Debian's Postfix looks anyway.
		"cyrus_sasl_config_path = " + at("config/sasl"),
		"smtpd_sasl_local_domain = $myhostname",
		"smtpd_sasl_security_options = noanonymous",

		// Who may send, and to whom.
		"smtpd_client_restrictions = permit_sasl_authenticated, reject",
		"smtpd_relay_restrictions = reject_unauth_destination",
		"smtpd_recipient_restrictions = check_policy_service inet:" + policy,
		fmt.Sprintf("message_size_limit = %d", s.sizeLimit),
		fmt.Sprintf("smtpd_client_message_rate_limit = %d", s.messageRate),
		// By default the loopback address has no limits.
		"smtpd_client_event_limit_exceptions =",
		"smtpd_client_connection_count_limit = 0",

		// Postfix slows down clients that make errors; tests need not wait.
		"smtpd_error_sleep_time = 0",
		"in_flow_delay = 0",
	}
	return strings.Join(lines, "\n") + "\n"
}

// masterCF returns the list of services (master(5)), none of them in a chroot,
// with @PORT@ and @TLSPORT@ for the ports.
func masterCF(host string) string {
	return host + ":@PORT@ inet n - n - - smtpd\n" +
		host + ":@TLSPORT@ inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n" +
		`pickup     unix       n - n 60    1 pickup
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
defer      unix       - - n -     0 bounce
trace      unix       - - n -     0 bounce
verify     unix       - - n -     1 verify
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n -     - proxymap
proxywrite unix       - - n -     1 proxymap
showq      unix       n - n -     - showq
error      unix       - - n -     - error
retry      unix       - - n -     - error
discard    unix       - - n -     - discard
local      unix       - n n -     - local
virtual    unix       - n n -     - virtual
anvil      unix       - - n -     1 anvil
postlog    unix-dgram n - n -     1 postlogd
`
}

// saslConf returns the SASL library's settings: accounts in a file of our own.
func saslConf(folder string) string {
	return "pwcheck_method: auxprop\n" +
		"auxprop_plugin: sasldb\n" +
		"sasldb_path: " + filepath.Join(folder, "config", "sasl", "sasldb2") + "\n" +
		"mech_list: PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256\n"
}
