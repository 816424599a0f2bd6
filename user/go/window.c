/* SPDX-License-Identifier: Apache-2.0 */
#include "go/window.h"

size_t window_room(const struct go_window *window, uint64_t offset)
{
	if (offset >= window->end)
		return 0;
	return window->end - offset < GO_WINDOW_BYTES ? window->end - offset : GO_WINDOW_BYTES;
}

const uint8_t *window_at(struct go_window *window, uint64_t offset, size_t n)
{
	size_t room = window_room(window, offset);

	if (n > room)
		return NULL;
	if (offset < window->offset || offset - window->offset > window->n ||
	    window->n - (offset - window->offset) < n) {
		window->n = 0;
		if (window->source.get(window->source.arg, offset, window->bytes, room) < 0)
			return NULL;
		window->offset = offset;
		window->n = room;
	}
	return window->bytes + (offset - window->offset);
}
