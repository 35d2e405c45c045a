package command

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// ask asks whether something is to be done; the error, with the text no, is a
// no. Where nobody is there to answer the command line lacks --yes.
func ask(p process, verb, question, no string) error {
	if !isTerminal(p.stdin) {
		return usagef("%s asks before it changes anything, and nobody is there to answer: add --yes", verb)
	}
	if err := printf(p.stderr, "%s [y/N] ", question); err != nil {
		return err
	}
	answer, err := bufio.NewReader(p.stdin).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = printf(p.stderr, "\n") // which nobody typed
	}
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if answer = strings.ToLower(strings.TrimSpace(answer)); answer != "y" && answer != "yes" {
		return errors.New(no)
	}
	return nil
}

// askSecret asks for a secret on a terminal, which does not show it.
func askSecret(p process, what string) (string, error) {
	terminal, ok := p.stdin.(*os.File)
	if !ok || !isTerminal(terminal) {
		return "", errors.New("nobody is there to answer")
	}
	if err := printf(p.stderr, "%s: ", what); err != nil {
		return "", err
	}
	secret, err := term.ReadPassword(int(terminal.Fd()))
	if printErr := printf(p.stderr, "\n"); printErr != nil {
		return "", printErr
	}
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}
	return string(secret), nil
}
