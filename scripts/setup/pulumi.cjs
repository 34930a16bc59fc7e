#!/usr/bin/env node
// What `npx pulumi` runs in this project: the official launcher, with what each shell would have to export otherwise.
"use strict";

require("../typescript.cjs");

Object.assign(process.env, require("./environment").engineEnvironment(process.env));
require("pulumi/run.js");
