/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stands in for Bun in a storm, under Bun's name: reads a request to its end and answers at once in
 * the shape of the worker. The reply does not depend on the request, so that the storm measures the
 * agent and not this.
 */
#include <unistd.h>

#define REPLY                                                                                      \
	"{\"result\":1,\"error\":null,\"metadata\":{\"tool_id\":\"storm\","                        \
	"\"tool_exec_id\":\"000000000000000000000000000\",\"execution_time\":0}}"

int main(void)
{
	static const char reply[] = REPLY;
	char request[4096];
	ssize_t n;

	do
		n = read(STDIN_FILENO, request, sizeof(request));
	while (n > 0);
	if (n < 0)
		return 1;
	return write(STDOUT_FILENO, reply, sizeof(reply) - 1) == sizeof(reply) - 1 ? 0 : 1;
}
