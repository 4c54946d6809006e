package main

import (
	"fmt"
	"regexp"
	"strings"
)

// What earlier answers gave, by name.
type keptTexts map[string]string

var (
	name = regexp.MustCompile(`<([a-z0-9_]+)>`)
	mark = regexp.MustCompile(`^<(keep|not|has) (.+)>$`)
)

// fill is value with every `<name>` replaced by what was kept under that name.
func fill(value any, kept keptTexts) (any, error) {
	switch value := value.(type) {
	case map[string]any:
		filled := map[string]any{}
		for key, each := range value {
			one, err := fill(each, kept)
			if err != nil {
				return nil, err
			}
			filled[key] = one
		}
		return filled, nil
	case []any:
		filled := []any{}
		for _, each := range value {
			one, err := fill(each, kept)
			if err != nil {
				return nil, err
			}
			filled = append(filled, one)
		}
		return filled, nil
	case string:
		return fillText(value, kept)
	default:
		return value, nil
	}
}

func fillText(text string, kept keptTexts) (string, error) {
	var missing error
	filled := name.ReplaceAllStringFunc(text, func(found string) string {
		key := found[1 : len(found)-1]
		known, ok := kept[key]
		if !ok {
			missing = fmt.Errorf("nothing was kept as %s", key)
		}
		return known
	})
	return filled, missing
}

// compare is an error that says what differs; what the expectation keeps is put into kept.
// ../README.md says what each mark means.
func compare(expected, found any, kept keptTexts, at string) error {
	if expected == nil && found == nil {
		return nil
	}
	if expected == nil || found == nil {
		return unlike(expected, found, at)
	}
	switch expected := expected.(type) {
	case map[string]any:
		return compareObject(expected, found, kept, at)
	case []any:
		return compareList(expected, found, kept, at)
	case string:
		return compareText(expected, found, kept, at)
	default:
		if expected != found {
			return unlike(expected, found, at)
		}
		return nil
	}
}

func compareObject(expected map[string]any, found any, kept keptTexts, at string) error {
	object, ok := found.(map[string]any)
	if !ok {
		return unlike(expected, found, at)
	}
	if _, whole := expected["<nothing else>"]; whole {
		for key := range object {
			if _, known := expected[key]; !known {
				return fmt.Errorf("%s: found also %s", at, key)
			}
		}
	}
	for key, value := range expected {
		if key == "<nothing else>" {
			continue
		}
		if err := compare(value, object[key], kept, at+"."+key); err != nil {
			return err
		}
	}
	return nil
}

func compareList(expected []any, found any, kept keptTexts, at string) error {
	list, ok := found.([]any)
	if !ok {
		return unlike(expected, found, at)
	}
	if len(expected) > 0 && (expected[0] == "<each>" || expected[0] == "<some>") {
		return compareUnordered(expected[1:], list, kept, at, expected[0] == "<each>")
	}
	if len(expected) != len(list) {
		return unlike(expected, found, at)
	}
	for index, value := range expected {
		if err := compare(value, list[index], kept, fmt.Sprintf("%s[%d]", at, index)); err != nil {
			return err
		}
	}
	return nil
}

func compareUnordered(expected, found []any, kept keptTexts, at string, whole bool) error {
	if whole && len(expected) != len(found) {
		return unlike(expected, found, at)
	}
	left := append([]any{}, found...)
	for _, value := range expected {
		index := indexOf(value, left, kept, at)
		if index < 0 {
			return unlike(value, left, at)
		}
		left = append(left[:index], left[index+1:]...)
	}
	return nil
}

// indexOf is the first element that is as expected, or -1. Only that one keeps anything.
func indexOf(expected any, list []any, kept keptTexts, at string) int {
	for index, candidate := range list {
		attempt := keptTexts{}
		for key, value := range kept {
			attempt[key] = value
		}
		if compare(expected, candidate, attempt, at) == nil {
			for key, value := range attempt {
				kept[key] = value
			}
			return index
		}
	}
	return -1
}

func compareText(expected string, found any, kept keptTexts, at string) error {
	if expected == "<any>" {
		return nonEmpty(found, at)
	}
	text, ok := found.(string)
	if !ok {
		return unlike(expected, found, at)
	}
	word, rest := "", ""
	if parts := mark.FindStringSubmatch(expected); parts != nil {
		word, rest = parts[1], parts[2]
	}
	good := false
	switch word {
	case "keep":
		kept[rest] = text
		good = text != ""
	case "not":
		known, ok := kept[rest]
		good = ok && text != "" && text != known
	case "has":
		good = strings.Contains(text, rest)
	default:
		filled, err := fillText(expected, kept)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		good = filled == text
	}
	if !good {
		return unlike(expected, found, at)
	}
	return nil
}

func nonEmpty(found any, at string) error {
	switch value := found.(type) {
	case string:
		if value != "" {
			return nil
		}
	case []any:
		if len(value) > 0 {
			return nil
		}
	case map[string]any:
		if len(value) > 0 {
			return nil
		}
	default:
		return nil
	}
	return unlike("<any>", found, at)
}

func unlike(expected, found any, at string) error {
	return fmt.Errorf("%s: expected %v, found %v", at, expected, found)
}
