#!/usr/bin/env node
import { isSupported, runWithVendoredNode } from './runtime.js';

if (!isSupported()) runWithVendoredNode();
else import('./command.js').then((command) => command.main());
