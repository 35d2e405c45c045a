// Package connector is the public kit for writing an e-mail connector: the
// code that hands one rendered message to one provider.
//
// It holds the contract (Factory, Connector, Message, Receipt), the classes of
// failure (Error), settings that mask themselves (Secret), and the strict
// decoder that turns a settings struct into form items and validated values.
// It depends on the standard library alone.
//
// It does not retry, choose connectors, render wording or store anything: the
// queue decides when to try again, routing decides through whom.
package connector
