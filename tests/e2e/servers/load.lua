-- SPDX-License-Identifier: Apache-2.0
-- For wrk: short executions of all kinds and outcomes, in turns.
local base = "/api/v0/"
local requests = {
	{ "POST", base .. "workflows/w1/executions/sync", "{\"input\":{\"ms\":0}}" },
	{ "POST", base .. "tasks/missing/executions/sync", "{}" },
	{ "POST", base .. "workflows/w2/executions", "{\"input\":{\"ms\":5}}" },
	{ "POST", base .. "agents/unavailable/executions/sync", "{}" },
	{ "GET", base .. "executions/workflows/none", "" },
	{ "POST", base .. "tasks/broken/executions", "{}" },
	{ "POST", base .. "workflows/w3/executions/sync", "{\"input\":{\"ms\":30},\"timeout\":0.01}" },
	{ "POST", base .. "agents/x/executions/sync", "{\"timeout\":400}" },
	{ "GET", "/nothing", "" },
	{ "POST", base .. "workflows/w1/executions/sync", "{\"input\":{\"ms\":0,\"store_error_at\":1}}" },
}
local i = 0

function request()
	local r = requests[i % #requests + 1]
	i = i + 1
	return wrk.format(r[1], r[2], { ["Content-Type"] = "application/json" }, r[3])
end
