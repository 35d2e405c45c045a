package connector

// FormItemType is the kind of input a form item is shown as.
type FormItemType string

// The kinds of form items.
const (
	FormText          FormItemType = "Text"
	FormNumber        FormItemType = "Number"
	FormSwitch        FormItemType = "Switch"
	FormMultilineText FormItemType = "MultilineText"
	FormJSON          FormItemType = "Json"
	FormSelect        FormItemType = "Select"
)

// known reports whether t is one of the kinds above.
func (t FormItemType) known() bool {
	switch t {
	case FormText, FormNumber, FormSwitch, FormMultilineText, FormJSON, FormSelect:
		return true
	default:
		return false
	}
}

// FormItem is one field of a connector's settings form. It is made from the
// settings struct, never written by hand.
type FormItem struct {
	Key            string          `json:"key"`
	Type           FormItemType    `json:"type"`
	Label          string          `json:"label"`
	Required       bool            `json:"required"`
	Placeholder    string          `json:"placeholder,omitempty"`
	Description    string          `json:"description,omitempty"`
	Tooltip        string          `json:"tooltip,omitempty"`
	DefaultValue   any             `json:"defaultValue,omitempty"`
	SelectItems    []SelectItem    `json:"selectItems,omitempty"`
	IsConfidential bool            `json:"isConfidential,omitempty"`
	ShowConditions []ShowCondition `json:"showConditions,omitempty"`
}

// SelectItem is one choice of a Select form item.
type SelectItem struct {
	Value string `json:"value"`
	Title string `json:"title"`
}

// ShowCondition shows a form item only when another one has a value.
type ShowCondition struct {
	TargetKey   string `json:"targetKey"`
	ExpectValue any    `json:"expectValue"`
}
