import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Type } from '@nestjs/common';
import { loadConfig, type Config } from '#config/config';
import { claim } from '#platform/database/embedded/claim';
import { type EmbeddedServer, startEmbedded } from '#platform/database/embedded/server';
import { createLog, type ProcessLog } from '#platform/observability/logger';
import { StartError } from '#platform/start-error';
import { StartNotices } from '#platform/start-notices';
import { modules } from '../app.module.ts';
import { createApp } from '../app.ts';

/** How long requests that are running may take to end after a signal. */
const DRAIN_MS = 10_000;
