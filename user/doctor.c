/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor.h"

#include <stdio.h>
#include <sys/utsname.h>

#include "confine.h"
#include "sandbox/filter.h"
#include "servers.h"
#include "setup.h"

static void ignore_record(void *arg, const void *bytes, size_t n)
{
	(void)arg;
	(void)bytes;
	(void)n;
}

/* Facts alone do not tell whether a verifier or a security module refuses: only trying does. */
enum doctor_verdict doctor_examine(const struct config *config, struct buf *out)
{
	_cleanup_buf_ struct buf error = {};
	char kernel[sizeof(struct utsname)] = "";
	struct servers *servers = NULL;
	struct probe *probe = NULL;
	struct utsname names;
	struct plan plan;

	if (uname(&names) == 0)
		(void)snprintf(kernel, sizeof(kernel), "%s %s", names.release, names.machine);
	setup_plan(config, &plan);
	if (setup_probe(config, &plan, ignore_record, NULL, &probe, &error) == 0) {
		(void)servers_new(probe, &plan, &servers); /* says that none has come yet */
		confine(&plan, FILTER_BASE);
	}
	servers_free(&servers);
	probe_stop(&probe);

	struct doctor_report report = {kernel, &plan, buf_cstr(&error)};
	if (config->json)
		doctor_json(out, &report);
	else
		doctor_text(out, &report);
	return doctor_verdict(&report);
}
