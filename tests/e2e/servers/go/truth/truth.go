// SPDX-License-Identifier: Apache-2.0

// Package truth is what perfect code inside the server would count, to be compared with what the agent saw.
package truth

import (
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"bunscope/tests/e2e/parents/go/call"
)

// Outcomes of an exchange and of a poll loop.
const (
	Success   = "success"
	Completed = "completed"
	Timeout   = "timeout"
	Error     = "error"
)

// Exchange is one answered or abandoned request on an execution route.
type Exchange struct {
	Kind      string  `json:"kind"`
	Operation string  `json:"operation"` // async, sync or status
	ID        string  `json:"id"`        // of the task, agent or workflow
	ExecID    string  `json:"exec_id"`
	Outcome   string  `json:"outcome"`
	Code      int     `json:"code"` // the status that the handler meant to send
	Seconds   float64 `json:"seconds"`

	begin time.Time
}

// Polls of one synchronous workflow.
type Polls struct {
	ExecID     string  `json:"exec_id"`
	WorkflowID string  `json:"workflow_id"`
	Polls      int     `json:"polls"`
	Outcome    string  `json:"outcome"`
	Seconds    float64 `json:"seconds"`

	begin time.Time
	book  *Book
}

// Run is a tool call and the execution that it was made for.
type Run struct {
	*call.Truth
	RequestExecID string `json:"request_exec_id"`
}

// Book is all that happened, in the order in which it ended.
type Book struct {
	mutex     sync.Mutex
	inFlight  int // exchanges, and executions in the background
	exchanges []*Exchange
	polls     []*Polls
	runs      []Run
}

// Begin is called before the request's body is read.
func (b *Book) Begin(kind, id, operation string) *Exchange {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.inFlight++
	return &Exchange{Kind: kind, ID: id, Operation: operation, Outcome: Error, begin: time.Now()}
}

// End is called when the handler has nothing more to do.
func (b *Book) End(e *Exchange) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.inFlight--
	e.Seconds = time.Since(e.begin).Seconds()
	b.exchanges = append(b.exchanges, e)
}

// Background is called as an execution begins that no exchange waits for; its result, as it ends.
func (b *Book) Background() func() {
	b.add(1)
	return func() { b.add(-1) }
}

func (b *Book) add(n int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.inFlight += n
}

// BeginPolls is called as the loop begins, Finish as it returns.
func (b *Book) BeginPolls(execID, workflowID string) *Polls {
	return &Polls{ExecID: execID, WorkflowID: workflowID, Outcome: Error, begin: time.Now(), book: b}
}

// Finish writes the loop down.
func (p *Polls) Finish() {
	p.Seconds = time.Since(p.begin).Seconds()
	p.book.mutex.Lock()
	defer p.book.mutex.Unlock()
	p.book.polls = append(p.book.polls, p)
}

// Ran writes down a tool call.
func (b *Book) Ran(t *call.Truth, requestExecID string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.runs = append(b.runs, Run{t, requestExecID})
}

// Forget drops what has ended.
func (b *Book) Forget(w http.ResponseWriter, _ *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.exchanges, b.polls, b.runs = nil, nil, nil
	w.WriteHeader(http.StatusNoContent)
}

// ServeHTTP answers with everything since the start, or since it was told to forget.
func (b *Book) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"in_flight": b.inFlight, "exchanges": b.exchanges, "polls": b.polls, "runs": b.runs,
	})
}
