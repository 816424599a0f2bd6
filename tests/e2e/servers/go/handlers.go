// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"bunscope/tests/e2e/parents/go/call"

	"github.com/compozy/compozy/engine/core"
	"github.com/compozy/compozy/engine/runtime"
	"github.com/compozy/compozy/engine/workflow"
	wfrouter "github.com/compozy/compozy/engine/workflow/router"
	"github.com/compozy/compozy/truth"
)

const (
	timeoutDefault = 60.0
	timeoutMax     = 300.0
)

var kinds = map[string]string{"tasks": "task", "agents": "agent", "workflows": "workflow"}

// Ids that stand for what is wrong with them.
var faults = map[string]int{
	"missing": http.StatusNotFound, "broken": http.StatusInternalServerError,
	"unavailable": http.StatusServiceUnavailable,
}

type server struct {
	exe          string
	root         string
	versionProbe bool
	store        *workflow.Store
	repo         workflow.Repository
	book         *truth.Book
}

// A request's body. Tools of a task or agent are run one after the other.
type request struct {
	Timeout float64    `json:"timeout"` // seconds
	With    core.Input `json:"with"`
	Action  string     `json:"action"`
	Prompt  string     `json:"prompt"`
	Tools   []string   `json:"tools"` // none: the one that is named as the task or agent
	Input   plot       `json:"input"`
}

// What a workflow does.
type plot struct {
	Ms           int        `json:"ms"`     // how long it takes, besides its tools
	Status       string     `json:"status"` // how it ends; default SUCCESS
	Tools        []string   `json:"tools"`
	With         core.Input `json:"with"`
	StoreErrorAt int        `json:"store_error_at"` // the fetch of its state that fails, from 1
	NotFoundAt   int        `json:"not_found_at"`   // the same, with an error that the poll loop ignores
}

// What the middleware answers before any execution starts.
func deny(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code, err := strconv.Atoi(r.Header.Get("X-Deny")); err == nil {
			respond(w, code, "denied", nil)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func respond(w http.ResponseWriter, code int, message string, data any) {
	body := map[string]any{"status": code, "message": message, "data": data}
	if code >= 400 {
		body["error"] = map[string]string{"code": http.StatusText(code), "message": message}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// The exchange of a request on an execution route; nil when the kind is none, and that was answered.
func (s *server) begin(w http.ResponseWriter, r *http.Request, operation string) *truth.Exchange {
	kind, ok := kinds[r.PathValue("kind")]
	if !ok {
		http.NotFound(w, r)
		return nil
	}
	return s.book.Begin(kind, r.PathValue("id"), operation)
}

func (s *server) end(w http.ResponseWriter, e *truth.Exchange, code int, message string, data any) {
	e.Code = code
	switch {
	case code < 300:
		e.Outcome = truth.Success
	case code == http.StatusRequestTimeout:
		e.Outcome = truth.Timeout
	}
	respond(w, code, message, data)
	s.book.End(e)
}

// 0, or the status to refuse with.
func parse(r *http.Request) (*request, int) {
	req := &request{}
	if err := json.NewDecoder(r.Body).Decode(req); err != nil && !errors.Is(err, io.EOF) {
		return nil, http.StatusBadRequest
	}
	_, _ = io.Copy(io.Discard, r.Body)
	if req.Timeout < 0 || req.Timeout > timeoutMax {
		return nil, http.StatusBadRequest
	}
	if req.Timeout == 0 {
		req.Timeout = timeoutDefault
	}
	return req, faults[r.PathValue("id")]
}

func (r *request) timeout() time.Duration { return time.Duration(r.Timeout * float64(time.Second)) }

func (s *server) runTools(ctx context.Context, tools []string, with core.Input, limit time.Duration, id string) error {
	bm := &runtime.BunManager{
		Exe: s.exe, Root: s.root, VersionProbe: s.versionProbe,
		Ran: func(t *call.Truth) { s.book.Ran(t, id) },
	}
	for _, tool := range tools {
		_, err := bm.ExecuteToolWithTimeout(ctx, tool, core.ID(call.ExecID()), &with, nil, nil, limit)
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *server) runWorkflow(p plot, state workflow.State, limit time.Duration, done func()) {
	defer done()
	status := workflow.StatusSuccess
	if p.Status != "" {
		status = p.Status
	}
	if s.runTools(context.Background(), p.Tools, p.With, limit, string(state.ExecID)) != nil {
		status = workflow.StatusFailed
	}
	time.Sleep(time.Duration(p.Ms) * time.Millisecond)
	state.Status = status
	s.store.Put(state)
}

// Starts a workflow, as its own runner in the background does.
func (s *server) trigger(id string, req *request) core.ID {
	state := workflow.State{ExecID: core.ID(call.ExecID()), WorkflowID: id, Status: workflow.StatusRunning}
	if req.Input.StoreErrorAt > 0 {
		s.store.FailAt(state.ExecID, req.Input.StoreErrorAt, workflow.ErrStore)
	}
	if req.Input.NotFoundAt > 0 {
		s.store.FailAt(state.ExecID, req.Input.NotFoundAt, workflow.ErrNotFound)
	}
	s.store.Put(state)
	go s.runWorkflow(req.Input, state, req.timeout(), s.book.Background())
	return state.ExecID
}

// POST …/executions
func (s *server) start(w http.ResponseWriter, r *http.Request) {
	e := s.begin(w, r, "async")
	if e == nil {
		return
	}
	req, code := parse(r)
	if code != 0 {
		s.end(w, e, code, "refused", nil)
		return
	}
	if e.Kind == "workflow" {
		e.ExecID = string(s.trigger(e.ID, req))
	} else {
		e.ExecID = call.ExecID()
		done := s.book.Background()
		go func(id string) {
			defer done()
			_ = s.runTools(context.Background(), req.tools(e.ID), req.With, req.timeout(), id)
		}(e.ExecID)
	}
	s.end(w, e, http.StatusAccepted, "execution started", map[string]string{"exec_id": e.ExecID})
}

func (r *request) tools(id string) []string {
	if len(r.Tools) > 0 {
		return r.Tools
	}
	return []string{id}
}

// POST …/executions/sync
func (s *server) execute(w http.ResponseWriter, r *http.Request) {
	e := s.begin(w, r, "sync")
	if e == nil {
		return
	}
	req, code := parse(r)
	switch {
	case code != 0:
		s.end(w, e, code, "refused", nil)
	case e.Kind == "workflow":
		s.executeWorkflow(w, r, e, req)
	default:
		s.executeDirectly(w, r, e, req)
	}
}

func (s *server) executeDirectly(w http.ResponseWriter, r *http.Request, e *truth.Exchange, req *request) {
	e.ExecID = call.ExecID()
	data := map[string]string{"exec_id": e.ExecID}
	err := s.runTools(r.Context(), req.tools(e.ID), req.With, req.timeout(), e.ExecID)
	switch {
	case err == nil:
		s.end(w, e, http.StatusOK, "execution completed", data)
	case errors.Is(err, context.DeadlineExceeded):
		s.end(w, e, http.StatusRequestTimeout, "execution timeout", data)
	default:
		s.end(w, e, http.StatusInternalServerError, err.Error(), data)
	}
}

func (s *server) executeWorkflow(w http.ResponseWriter, r *http.Request, e *truth.Exchange, req *request) {
	execID := s.trigger(e.ID, req)
	e.ExecID = string(execID)
	data := map[string]any{"exec_id": e.ExecID}
	state, timedOut, err := wfrouter.Wait(r.Context(), s.repo, execID, req.timeout(), e.ID, s.book)
	data["workflow"] = state
	switch {
	case err != nil:
		s.end(w, e, http.StatusInternalServerError, err.Error(), data)
	case timedOut:
		_, _ = s.repo.GetState(context.WithoutCancel(r.Context()), execID) // for the answer; no poll either
		s.end(w, e, http.StatusRequestTimeout, "execution timeout", data)
	default:
		s.end(w, e, http.StatusOK, "workflow execution completed", data)
	}
}

// GET /executions/KIND/EXEC: only workflows have a state here.
func (s *server) status(w http.ResponseWriter, r *http.Request) {
	e := s.begin(w, r, "status")
	if e == nil {
		return
	}
	e.ExecID = r.PathValue("exec")
	state, err := s.repo.GetState(r.Context(), core.ID(e.ExecID))
	if err != nil {
		s.end(w, e, http.StatusNotFound, err.Error(), nil)
		return
	}
	s.end(w, e, http.StatusOK, "execution", state)
}

// GET /bench?times=N: nanoseconds that a poll loop of one fetch takes, and a fetch that is no poll, on this goroutine; of
// no exchange, in no book.
func (s *server) bench(w http.ResponseWriter, r *http.Request) {
	times, err := strconv.Atoi(r.URL.Query().Get("times"))
	if err != nil || times <= 0 {
		http.Error(w, "times", http.StatusBadRequest)
		return
	}
	state := workflow.State{ExecID: core.ID(call.ExecID()), WorkflowID: "bench", Status: workflow.StatusSuccess}
	s.store.Put(state)
	book := &truth.Book{}
	begin := time.Now()
	for i := 0; i < times; i++ {
		_, _, _ = wfrouter.Wait(r.Context(), s.repo, state.ExecID, time.Minute, state.WorkflowID, book)
	}
	between := time.Now()
	for i := 0; i < times; i++ {
		_, _ = s.repo.GetState(r.Context(), state.ExecID)
	}
	respond(w, http.StatusOK, "bench", map[string]int64{
		"loop_ns": between.Sub(begin).Nanoseconds() / int64(times), "fetch_ns": time.Since(between).Nanoseconds() / int64(times)})
}
