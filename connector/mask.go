package connector

import "fmt"

// hidden is the node of everything below a secret, and of what a type does
// not know: in settings of an older version that may have been a secret.
func hidden() *node { return &node{kind: nodeSecret} }

// swap replaces one secret; stored is what other settings hold at its place,
// or nil.
type swap func(secret value, stored *value, path []any) value

// secrets returns v with every string and number at a secret place replaced
// by what change makes of it. Order, repeated keys and digits stay.
func (n *node) secrets(v value, stored *value, path []any, change swap) value {
	switch {
	case n.kind == nodePointer:
		return n.elem.secrets(v, stored, path, change)
	case n.open(v):
		return v
	}
	switch v.kind {
	case jsonString, jsonNumber:
		return change(v, stored, path)
	case jsonArray:
		items := make([]value, len(v.items))
		for i, item := range v.items {
			items[i] = n.item().secrets(item, stored.index(i), at(path, i), change)
		}
		v.items = items
	case jsonObject:
		members := make([]member, len(v.members))
		for i, m := range v.members {
			inside := n.member(m.key).secrets(m.value, stored.key(m.key), at(path, m.key), change)
			members[i] = member{m.key, inside}
		}
		v.members = members
	default: // null, true and false tell nothing
	}
	return v
}

// open reports whether v may be shown as it is: n says that it holds no
// secret, and v looks as n expects. A list where a string should be is not
// open, since settings of an older version may have kept anything there.
func (n *node) open(v value) bool {
	switch n.kind {
	case nodeAny, nodeRaw:
		return true
	case nodeOwn:
		return len(n.fields) == 0
	case nodeText, nodeBool, nodeInt, nodeUint, nodeFloat:
		return v.kind != jsonArray && v.kind != jsonObject
	default:
		return false
	}
}

// item returns the node of an array's items.
func (n *node) item() *node {
	if n.kind == nodeList {
		return n.elem
	}
	return hidden()
}

// member returns the node of an object's member.
func (n *node) member(key string) *node {
	if n.kind == nodeMap {
		return n.elem
	}
	if i, ok := n.byKey[key]; ok {
		return n.fields[i].node
	}
	return hidden()
}

// index returns the item i of an array, or nil.
func (v *value) index(i int) *value {
	if v == nil || v.kind != jsonArray || i >= len(v.items) {
		return nil
	}
	return &v.items[i]
}

// key returns the member of an object, or nil.
func (v *value) key(name string) *value {
	if v == nil || v.kind != jsonObject {
		return nil
	}
	if found, ok := v.get(name); ok {
		return &found
	}
	return nil
}

// mask is the swap that hides.
func mask(secret value, _ *value, _ []any) value {
	if secret.kind == jsonString && secret.text == "" {
		return secret
	}
	return value{kind: jsonString, text: SecretMask}
}

// unmask returns config with its masks replaced from stored.
func (n *node) unmask(config, stored []byte) ([]byte, error) {
	v, err := parse(config)
	if err != nil {
		return nil, &ConfigError{Issues: []Issue{issue(codeType, nil, notJSON)}}
	}
	old, err := parse(stored)
	if err != nil {
		return nil, fmt.Errorf("read the stored settings: %w", err)
	}
	var issues []Issue
	out := n.secrets(v, &old, nil, func(secret value, stored *value, path []any) value {
		switch {
		case secret.kind != jsonString || secret.text != SecretMask:
			return secret
		case stored != nil && (stored.kind == jsonString && stored.text != "" || stored.kind == jsonNumber):
			return *stored
		default:
			issues = append(issues, issue(codeInvalid, path, "is the mask of a secret, but none is stored here; give the secret itself"))
			return secret
		}
	})
	if len(issues) > 0 {
		return nil, &ConfigError{Issues: issues}
	}
	return out.append(nil), nil
}
