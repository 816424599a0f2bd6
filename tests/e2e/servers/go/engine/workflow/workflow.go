// SPDX-License-Identifier: Apache-2.0

// Package workflow is the state of workflow executions, and who keeps it.
package workflow

import (
	"context"
	"errors"
	"sync"

	"github.com/compozy/compozy/engine/core"
)

const (
	StatusRunning = "RUNNING"
	StatusSuccess = "SUCCESS"
	StatusFailed  = "FAILED"
)

var (
	// ErrNotFound is one that a poll goes on after.
	ErrNotFound = errors.New("workflow execution not found")
	// ErrStore is one that ends the poll loop.
	ErrStore = errors.New("the store is broken")
)

// State of one execution.
type State struct {
	ExecID     core.ID `json:"workflow_exec_id"`
	WorkflowID string  `json:"workflow_id"`
	Status     string  `json:"status"`
}

// Repository is what the poll loop calls: through an interface, as in the original.
type Repository interface {
	GetState(ctx context.Context, execID core.ID) (*State, error)
}

// Store is the memory behind the repositories.
type Store struct {
	mutex  sync.Mutex
	states map[core.ID]State
	faults map[core.ID]fault
}

type fault struct {
	at   int // the get that fails, from 1; 0 = none
	err  error
	gets int
}

func NewStore() *Store {
	return &Store{states: map[core.ID]State{}, faults: map[core.ID]fault{}}
}

// Put stores a state.
func (s *Store) Put(state State) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.states[state.ExecID] = state
}

// FailAt makes the n-th Get of an execution fail.
func (s *Store) FailAt(execID core.ID, n int, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.faults[execID] = fault{at: n, err: err}
}

// Get returns a copy, so that nobody sees it change.
func (s *Store) Get(execID core.ID) (*State, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if f, ok := s.faults[execID]; ok {
		f.gets++
		s.faults[execID] = f
		if f.gets == f.at {
			return nil, f.err
		}
	}
	state, ok := s.states[execID]
	if !ok {
		return nil, ErrNotFound
	}
	return &state, nil
}
