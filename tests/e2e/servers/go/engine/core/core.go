// SPDX-License-Identifier: Apache-2.0

// Package core holds the types that are in the arguments of the functions that the agent attaches to.
package core

import "encoding/json"

// ID is an execution id.
type ID string

func (id ID) String() string { return string(id) }

type (
	// Input is the input of a tool or workflow.
	Input map[string]any
	// Output is what a tool replied.
	Output struct{ Reply json.RawMessage }
	// EnvMap is a tool's environment.
	EnvMap map[string]string
)
