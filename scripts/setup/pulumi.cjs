#!/usr/bin/env node
// What `npx pulumi` runs in this project: the official launcher, with the passphrase of the local stack.
// Local state is encrypted with an empty passphrase, and the engine takes one from nowhere but the environment. Without
// this, each shell would have to export it. A passphrase that is set stays.
"use strict";

const { env } = process;
if (env.PULUMI_CONFIG_PASSPHRASE === undefined && !env.PULUMI_CONFIG_PASSPHRASE_FILE) env.PULUMI_CONFIG_PASSPHRASE = "";
// The version is pinned in package.json, and without a network the check costs seconds.
env.PULUMI_SKIP_UPDATE_CHECK ??= "true";

require("pulumi/run.js");
