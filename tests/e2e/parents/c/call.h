/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One tool call in the order of the watched server: pipes, fork, write the request, read stdout to its end,
 * wait, parse. On every early return the child is killed, not waited for, and the pipe ends stay open.
 */
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define OUTPUT_BYTES_MAX (10u * 1024 * 1024) /* it reads one more, then gives up */
#define STDERR_LINE_BYTES_MAX (1024u * 1024)
#define EXEC_ID_BYTES 27

struct settings {
	const char *exe;  /* the Bun to start */
	const char *root; /* the project: its worker is ROOT/.compozy/bun_worker.ts */
};

/* What to call, and how this parent shall differ from a plain call. Strings belong to the JSON text. */
struct job {
	const char *exe;
	const char *root;
	const char *script; /* instead of ROOT/.compozy/bun_worker.ts */
	const char *tool;
	json_t *input;
	const char *request_file; /* these bytes are the request, whatever tool and input say */
	const char *cgroup;	  /* directory that the child enters */
	uint64_t timeout_ms;	  /* in the request; 0 = absent, 60 s */
	uint64_t deadline_ms;	  /* an earlier one of the caller's, not in the request; 0 = none */
	uint64_t cancel_after_ms; /* the caller goes away; 0 = never */
	uint64_t input_pad_bytes; /* the input is one string of that length */
	uint64_t chunk_bytes;	  /* request in writes of that size; 0 = as much as fits */
	uint64_t chunk_pause_us;
	uint64_t
		env_bytes; /* one environment variable of that length: over 128 KiB, exec fails with E2BIG */
	uint64_t count;
	uint64_t concurrency;
	bool no_descriptors; /* the pipes fail with EMFILE */
	bool stdout_fault;   /* the server's read of stdout fails with EFAULT */
	bool stdin_file;     /* the request is a file on stdin */
	bool version_probe;  /* `bun --version` first */
};

/* Fills ret_job from one line of the protocol. The job borrows from it. */
void job_from_json(const json_t *line, const struct settings *settings, struct job *ret_job);

/* Makes the call and returns the truth about it: an object of the protocol, owned by the caller. */
json_t *call_make(const struct job *job, uint64_t number);

/* Prints one line of JSON to stdout, whole, and frees it. */
void line_print(json_t *line);
