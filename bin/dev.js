#!/usr/bin/env node
// Development: compiles what is edited and restarts the platform. The embedded database runs beside it, so that a restart
// of the platform doesn't restart the database. Ctrl-C stops all of it.
import { isSupported, runWithVendoredNode } from './runtime.js';

if (!isSupported()) runWithVendoredNode();
else import('./watch.js').then((watch) => watch.main());
