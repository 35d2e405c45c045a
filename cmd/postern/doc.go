// Command postern is the e-mail layer of sign-in, with the connectors that
// come with it. What it can do is in package command.
package main
