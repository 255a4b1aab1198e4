#!/usr/bin/env node
import { runScripta } from "./program.ts";

process.exitCode = await runScripta(process.argv);
