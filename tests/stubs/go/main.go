// Command run_suite ADDRESS TOKEN_FILE SUITE_FILE... runs the contract suite through the generated Go clients.
//
// One line per call that fails, then `N passed, M failed`.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"google.golang.org/grpc/status"
)

type row struct {
	About        string
	Call         string
	Request      any
	Requests     []any
	WithoutToken bool
	Answer       any
	Answers      []any
	Error        map[string]any
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: run_suite ADDRESS TOKEN_FILE SUITE_FILE...")
		os.Exit(2)
	}
	passed, failed, err := run(os.Args[1], os.Args[2], os.Args[3:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "run_suite:", err)
		os.Exit(1)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 || passed == 0 {
		os.Exit(1)
	}
}

func run(address, tokenFile string, suiteFiles []string) (passed, failed int, err error) {
	token, err := os.ReadFile(tokenFile)
	if err != nil {
		return 0, 0, err
	}
	all, err := connect(address, strings.TrimSpace(string(token)))
	if err != nil {
		return 0, 0, err
	}
	kept := keptTexts{}
	for _, file := range suiteFiles {
		rows, err := read(file)
		if err != nil {
			return 0, 0, err
		}
		for _, each := range rows {
			if err := check(all, each, kept); err != nil {
				failed++
				fmt.Printf("%s: %s: %s: %v\n", filepath.Base(file), each.Call, each.About, err)
			} else {
				passed++
			}
		}
	}
	return passed, failed, nil
}

func read(file string) ([]row, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var suite struct{ Calls []row }
	err = json.Unmarshal(text, &suite)
	return suite.Calls, err
}

// check says what is wrong with the answer to a row's call.
func check(all *clients, each row, kept keptTexts) error {
	requests := each.Requests
	if requests == nil {
		requests = []any{each.Request}
	}
	filled, err := fill(requests, kept)
	if err != nil {
		return err
	}
	answers, err := all.ask(each.Call, filled.([]any), !each.WithoutToken)
	if err != nil {
		return checkRefusal(each, err, kept)
	}
	if each.Error != nil {
		return fmt.Errorf("expected %v, found an answer", each.Error)
	}
	if each.Answers == nil {
		if len(answers) == 0 {
			return compare(each.Answer, map[string]any{}, kept, "answer")
		}
		answer, err := asJSON(merged(answers))
		if err != nil {
			return err
		}
		return compare(each.Answer, answer, kept, "answer")
	}
	found := []any{}
	for _, message := range answers {
		answer, err := asJSON(message)
		if err != nil {
			return err
		}
		found = append(found, answer)
	}
	return compare(each.Answers, found, kept, "answers")
}

func checkRefusal(each row, err error, kept keptTexts) error {
	answer, ok := status.FromError(err)
	if !ok || each.Error == nil {
		return err
	}
	each.Error["domain"] = "tandem"
	return compare(each.Error, refusal(answer), kept, "error")
}
