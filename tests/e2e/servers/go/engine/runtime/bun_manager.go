// SPDX-License-Identifier: Apache-2.0

// Package runtime runs tools in Bun children.
package runtime

import (
	"context"
	"encoding/json"
	"time"

	"bunscope/tests/e2e/parents/go/call"

	"github.com/compozy/compozy/engine/core"
)

// BunManager runs tools; Ran is told the truth about each call.
type BunManager struct {
	Exe  string
	Root string

	VersionProbe bool // before each call
	Ran          func(*call.Truth)
}

// ExecuteToolWithTimeout has the original's arguments: the ninth word is the first on the stack.
//
//go:noinline
func (bm *BunManager) ExecuteToolWithTimeout(
	ctx context.Context,
	toolID string,
	toolExecID core.ID,
	input *core.Input,
	config *core.Input,
	env core.EnvMap,
	timeout time.Duration,
) (*core.Output, error) {
	job := call.Job{
		Tool: toolID, ExecID: string(toolExecID), Input: marshal(input),
		TimeoutMs: timeout.Milliseconds(), Root: bm.Root, VersionProbe: bm.VersionProbe,
	}
	t, err := call.Tool(ctx, job, bm.Exe, 0, func(*call.Truth) {})
	bm.Ran(t)
	if err != nil {
		return nil, err
	}
	return &core.Output{Reply: t.Reply}, nil
}

func marshal(input *core.Input) json.RawMessage {
	if input == nil || *input == nil {
		return nil
	}
	text, err := json.Marshal(input)
	if err != nil {
		panic(err)
	}
	return text
}
