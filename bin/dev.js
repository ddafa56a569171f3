#!/usr/bin/env node
'use strict';
// Builds, then runs: for work on mqlite itself.
const { execFileSync } = require('node:child_process');
const path = require('node:path');

execFileSync(process.execPath, [path.join(__dirname, '..', 'scripts', 'build.mjs')], { stdio: ['ignore', 2, 2] });
require('./launch.js').launch();
