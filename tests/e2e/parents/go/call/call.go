// SPDX-License-Identifier: Apache-2.0

// Package call is one tool call, in the order that the first watched server does it, and the truth that code inside
// the server would know of it.
package call

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	outputBytesMax     = 10 * 1024 * 1024
	stderrLineBytesMax = 1024 * 1024
	timeoutMsDefault   = 60_000
)

// An error and the kind under which the server counts it.
type callError struct {
	kind string
	err  error
}

func (e *callError) Error() string { return e.kind + ": " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

// Job is one call, or with Calls several in turns.
type Job struct {
	Tool          string          `json:"tool"`
	Input         json.RawMessage `json:"input"`
	InputPadBytes int             `json:"input_pad_bytes"`
	TimeoutMs     int64           `json:"timeout_ms"`
	DeadlineMs    int64           `json:"deadline_ms"`
	CancelAfterMs int64           `json:"cancel_after_ms"`
	ExecID        string          `json:"exec_id"` // made up when not given
	VersionProbe  bool            `json:"version_probe"`
	Root          string          `json:"root"`
	Count         int             `json:"count"`
	Concurrency   int             `json:"concurrency"`
	Calls         []Job           `json:"calls"` // instead of one tool: several, in turns
}

// Truth is what code inside the server knows about a call. Exit and Signal are set also where it did not wait: the truth
// looks at the zombie without reaping it.
type Truth struct {
	Event        string  `json:"event"`
	Run          int     `json:"run"`
	Tool         string  `json:"tool"`
	ExecID       string  `json:"exec_id"`
	Outcome      string  `json:"outcome"`
	ErrorKind    *string `json:"error_kind"`
	TimedOut     bool    `json:"timed_out"`
	Pid          int     `json:"pid"`
	InputBytes   int     `json:"input_bytes"`
	OutputBytes  int     `json:"output_bytes"`
	OutputEnded  bool    `json:"output_ended"`
	StderrBytes  int     `json:"stderr_bytes"`
	StderrFailed bool    `json:"stderr_failed"`
	Waited       bool    `json:"waited"`
	Killed       bool    `json:"killed"`
	Exit         *int    `json:"exit,omitempty"`
	Signal       *int    `json:"signal,omitempty"`
	Startup      *bool   `json:"startup,omitempty"` // the worker read its request, which fits a pipe
	GapMin       float64 `json:"gap_seconds_min"`   // from the call's start to the fork
	GapMax       float64 `json:"gap_seconds_max"`
	SecondsMin   float64 `json:"seconds_min"`
	SecondsMax   float64 `json:"seconds_max"`

	Reply []byte `json:"-"`
}

type call struct {
	job     Job
	truth   *Truth
	started func(*Truth)
	cmd     *exec.Cmd
	request []byte
	start   time.Time
	ended   time.Time
	stdin   int            // one more reader of the request, which never reads; 0 = none
	reader  sync.WaitGroup // of stderr
}

// ExecID makes an execution id: 27 base-62 characters.
func ExecID() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := make([]byte, 27)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	for i := range id {
		id[i] = digits[int(id[i])%len(digits)]
	}
	return string(id)
}

func makeRequest(j Job, id string) []byte {
	input := j.Input
	if j.InputPadBytes > 0 {
		input = json.RawMessage(`{"pad":"` + strings.Repeat("p", j.InputPadBytes) + `"}`)
	} else if input == nil {
		input = json.RawMessage("{}")
	}
	request, err := json.Marshal(struct {
		ToolID     string          `json:"tool_id"`
		ToolExecID string          `json:"tool_exec_id"`
		Input      json.RawMessage `json:"input"`
		Config     any             `json:"config"`
		Env        map[string]any  `json:"env"`
		TimeoutMs  int64           `json:"timeout_ms,omitempty"`
	}{j.Tool, id, input, nil, map[string]any{}, j.TimeoutMs})
	if err != nil {
		panic(err)
	}
	return request
}

// The request is written by a goroutine; a context that ends first wins.
func (c *call) write(ctx context.Context, stdin io.WriteCloser) error {
	var written atomic.Int64
	result := make(chan error, 1)
	go func() {
		defer stdin.Close()
		n, err := stdin.Write(c.request)
		written.Store(int64(n))
		result <- err
	}()
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-result:
	}
	if err == nil {
		c.truth.InputBytes = int(written.Load())
	}
	return err
}

func (c *call) readStderr(stderr io.Reader) {
	defer c.reader.Done()
	counted := countingReader{reader: stderr}
	lines := bufio.NewScanner(&counted)
	lines.Buffer(make([]byte, 0, stderrLineBytesMax), stderrLineBytesMax)
	for lines.Scan() {
	}
	c.truth.StderrBytes = counted.bytes
	c.truth.StderrFailed = lines.Err() != nil
}

type countingReader struct {
	reader io.Reader
	bytes  int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	r.bytes += n
	return n, err
}

func parseReply(reply []byte) error {
	reply = bytes.TrimSpace(reply)
	if len(reply) == 0 {
		return nil
	}
	var response struct {
		Result   any `json:"result"`
		Error    any `json:"error"`
		Metadata any `json:"metadata"`
	}
	if err := json.Unmarshal(reply, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("tool failed: %v", response.Error)
	}
	return nil
}

func (c *call) command(ctx context.Context, exe string) {
	worker := filepath.Join(c.job.Root, ".compozy", "bun_worker.ts")
	if c.job.VersionProbe {
		probeCtx, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, _ = exec.CommandContext(probeCtx, exe, "--version").Output()
		cancel()
	}
	c.cmd = exec.CommandContext(ctx, exe, "--smol", "run", "--allow-read", worker)
	c.cmd.Args[0] = "bun"
	c.cmd.Dir = c.job.Root
	c.cmd.Env = append(os.Environ(), "COMPOZY_RUNTIME=worker", "COMPOZY_PROJECT_ROOT="+c.job.Root)
}

func (c *call) run(ctx context.Context, exe string) error {
	c.command(ctx, exe)
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return &callError{"stdin", err}
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return &callError{"stdout", err}
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return &callError{"stderr", err}
	}
	c.truth.GapMin = time.Since(c.start).Seconds()
	if err := c.cmd.Start(); err != nil {
		return &callError{"start", err}
	}
	c.truth.GapMax = time.Since(c.start).Seconds()
	c.truth.Pid = c.cmd.Process.Pid
	c.keepStdin()
	c.started(c.truth)
	if err := c.write(ctx, stdin); err != nil {
		return &callError{"stdin", err}
	}
	return c.finish(ctx, stdout, stderr)
}

func (c *call) finish(ctx context.Context, stdout, stderr io.Reader) error {
	c.reader.Add(1)
	go c.readStderr(stderr)
	var output bytes.Buffer
	n, err := io.Copy(&output, io.LimitReader(stdout, outputBytesMax+1))
	c.truth.OutputBytes = int(n)
	if err != nil {
		return &callError{"stdout", err}
	}
	if n > outputBytesMax {
		return &callError{"stdout", errors.New("too much output")}
	}
	c.truth.OutputEnded = true
	if err := ctx.Err(); err != nil {
		return &callError{"timeout", err}
	}
	err = c.cmd.Wait()
	c.ended = time.Now()
	c.truth.Waited = true
	c.reader.Wait()
	if err != nil {
		return &callError{"wait", err}
	}
	c.truth.Reply = output.Bytes()
	if err := parseReply(c.truth.Reply); err != nil {
		return &callError{"parse", err}
	}
	return nil
}

// Takes another reader of the request where the call may be given up before the worker has read it.
func (c *call) keepStdin() {
	const pidfdOpen, pidfdGetfd = 434, 438
	if c.job.InputPadBytes > 0 || (c.job.TimeoutMs >= timeoutMsDefault && c.job.CancelAfterMs == 0) {
		return
	}
	pidfd, _, errno := syscall.Syscall(pidfdOpen, uintptr(c.truth.Pid), 0, 0)
	if errno != 0 {
		return
	}
	defer syscall.Close(int(pidfd))
	if fd, _, errno := syscall.Syscall(pidfdGetfd, pidfd, 0, 0); errno == 0 {
		c.stdin = int(fd)
	}
}

// Did the worker read its request? Asked when it has ended: what is unread is still there.
func (c *call) askStartup() {
	const fionread = 0x541B
	if c.stdin == 0 {
		return
	}
	defer syscall.Close(c.stdin)
	var unread int32
	_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(c.stdin), fionread, uintptr(unsafe.Pointer(&unread)))
	if errno == 0 {
		read := unread == 0
		c.truth.Startup = &read
	}
}

func (c *call) judge(err error) {
	c.truth.Outcome = "success"
	if err == nil {
		return
	}
	kind := "unknown"
	var known *callError
	if errors.As(err, &known) {
		kind = known.kind
	}
	c.truth.Outcome = "error"
	if errors.Is(err, context.DeadlineExceeded) {
		c.truth.Outcome, kind = "timeout", "timeout"
		c.truth.TimedOut = true
	}
	c.truth.ErrorKind = &kind
}

func (c *call) setStatus(status syscall.WaitStatus) {
	if status.Signaled() {
		signal := int(status.Signal())
		c.truth.Signal = &signal
		return
	}
	code := status.ExitStatus()
	c.truth.Exit = &code
}

// Looks at a child that nobody waited for, and leaves the zombie.
func (c *call) peek() {
	const pPid, wNoWait, exited = 1, 0x01000000, 1
	var info [128]byte
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPid, uintptr(c.truth.Pid),
		uintptr(unsafe.Pointer(&info)), syscall.WEXITED|wNoWait, 0, 0)
	if errno != 0 {
		return
	}
	code := *(*int32)(unsafe.Pointer(&info[8]))
	status := *(*int32)(unsafe.Pointer(&info[24]))
	if code == exited {
		status <<= 8
	}
	c.ended = time.Now()
	c.setStatus(syscall.WaitStatus(status))
}

// Tool makes one call; started is told once there is a Bun process. The error is what the server would see.
func Tool(ctx context.Context, j Job, exe string, number int, started func(*Truth)) (*Truth, error) {
	id := j.ExecID
	if id == "" {
		id = ExecID()
	}
	t := &Truth{Event: "run", Run: number, Tool: j.Tool, ExecID: id}
	c := &call{job: j, truth: t, started: started, request: makeRequest(j, id), start: time.Now()}
	limit := time.Duration(j.TimeoutMs) * time.Millisecond
	if j.DeadlineMs > 0 {
		limit = min(limit, time.Duration(j.DeadlineMs)*time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	if j.CancelAfterMs > 0 {
		time.AfterFunc(time.Duration(j.CancelAfterMs)*time.Millisecond, cancel)
	}
	err := c.run(ctx, exe)
	c.judge(err)
	t.Killed = t.Pid != 0 && !t.Waited
	cancel()
	if t.Waited {
		c.setStatus(c.cmd.ProcessState.Sys().(syscall.WaitStatus))
	} else if t.Pid != 0 {
		c.peek()
	}
	c.reader.Wait()
	c.askStartup()
	if t.Pid != 0 {
		t.SecondsMax = c.ended.Sub(c.start).Seconds()
	}
	return t, err
}
