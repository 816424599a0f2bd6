/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config.h"

/*
 * Reads config->config_file: a YAML mapping whose keys are the flags' names. What the command line
 * has given stands. 0; -EINVAL with `bunscope: FILE:LINE: KEY: what is wrong` in message; -ENOMEM.
 */
int config_file_apply(struct config *config, struct buf *message);
