// Package servers starts the real servers that tests talk to: PostgreSQL and
// Postfix, from the operating system's packages, without containers and
// without touching an instance that the machine itself runs.
//
// It owns their folders, ports, accounts and certificates, and their end: each
// server hangs on a pipe from the test process and is stopped and removed when
// that pipe closes, however the process ends. It knows nothing of Postern.
//
// It also installs the npm packages of tests whose server or judge is one.
//
// scripts/install-test-tools installs what it needs.
package servers
