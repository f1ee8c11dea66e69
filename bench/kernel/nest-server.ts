// The same operation as an ordinary NestJS 12 application has it, with the packages that Nest's documentation and most projects
// use, set up as their documentation does:
//   token       @nestjs/jwt in a guard with `verifyAsync`; ES256 as the platform's. It has no cache, so there is none here.
//               TOKENS=cached is the best that somebody can do who knows: fast-jwt with its cache, in the same guard.
//   validation  Nest 12's StandardSchemaValidationPipe with the same Zod schema
//   limit       @nestjs/throttler, in memory, by person as its documentation shows for signed-in users (a key is dear when it
//               has many hits, so by address it would take ten times as long), 600 a minute as the platform's default
//   logs        nestjs-pino: a line per request, to a file through pino's asynchronous destination
//   metrics     an interceptor with a prom-client histogram
// Nothing is shaped, no security headers are set, no ETag is made: the platform does these on top.
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import 'reflect-metadata';
import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Injectable,
  Module,
  type NestInterceptor,
  Param,
  StandardSchemaValidationPipe,
  UnauthorizedException,
} from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR, APP_PIPE, NestFactory } from '@nestjs/core';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { ThrottlerGuard, ThrottlerModule } from '@nestjs/throttler';
import { createVerifier } from 'fast-jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Logger, LoggerModule } from 'nestjs-pino';
import { destination } from 'pino';
import { collectDefaultMetrics, Histogram } from 'prom-client';
import { finalize, type Observable } from 'rxjs';
import * as z from 'zod';
import { reportTo, type Ready } from '../child.ts';
import { ORGANIZATION, personIds } from '../product/people.ts';
import { profileOf } from '../product/profile.ts';

const ProfileParams = z.object({ id: z.uuid() });

/** What checks a token. */
abstract class Tokens {
  abstract verify(token: string): unknown;
}

@Injectable()
class AuthGuard implements CanActivate {
  constructor(private readonly tokens: Tokens) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user?: unknown }>();
    const [type, token] = request.headers.authorization?.split(' ') ?? [];
    if (type !== 'Bearer' || token === undefined) throw new UnauthorizedException();
    try {
      request.user = await this.tokens.verify(token);
    } catch {
      throw new UnauthorizedException();
    }
    return true;
  }
}

@Injectable()
class PersonThrottlerGuard extends ThrottlerGuard {
  protected override async getTracker(request: Record<string, any>): Promise<string> {
    return request.user.sub;
  }
}

const duration = new Histogram({
  name: 'http_request_duration_seconds',
  help: 'Duration of requests.',
  labelNames: ['method', 'route', 'status'],
});

@Injectable()
class MetricsInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const end = duration.startTimer();
    const http = context.switchToHttp();
    const { method, routeOptions } = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    return next.handle().pipe(finalize(() => end({ method, route: routeOptions.url!, status: reply.statusCode })));
  }
}

@Controller('bench/profiles')
class ProfilesController {
  @Get(':id')
  get(@Param({ schema: ProfileParams }) { id }: z.infer<typeof ProfileParams>) {
    return profileOf(id);
  }
}

const ISSUER = 'http://localhost:3000';
const AUDIENCE = 'fondasi';
const { publicKey, privateKey } = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

function tokensOf(jwt: JwtService): Tokens {
  if (process.env.TOKENS !== 'cached') return { verify: (token) => jwt.verifyAsync(token) };
  const cached = { key: publicKey, algorithms: ['ES256' as const], allowedIss: ISSUER, allowedAud: AUDIENCE, cache: 10_000 };
  return { verify: createVerifier(cached) };
}

@Module({
  imports: [
    JwtModule.register({
      global: true,
      publicKey,
      privateKey,
      signOptions: { algorithm: 'ES256', issuer: ISSUER, audience: AUDIENCE, expiresIn: '1h' },
      verifyOptions: { algorithms: ['ES256'], issuer: ISSUER, audience: AUDIENCE },
    }),
    ThrottlerModule.forRoot([{ ttl: 60_000, limit: 600 }]),
    LoggerModule.forRoot({ pinoHttp: { stream: destination({ dest: process.env.LOG_FILE!, sync: false }) } }),
  ],
  controllers: [ProfilesController],
  providers: [
    { provide: Tokens, useFactory: tokensOf, inject: [JwtService] },
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: APP_GUARD, useClass: PersonThrottlerGuard },
    { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
    { provide: APP_INTERCEPTOR, useClass: MetricsInterceptor },
  ],
})
class AppModule {}

collectDefaultMetrics();
const app = await NestFactory.create<NestFastifyApplication>(AppModule, new FastifyAdapter(), { bufferLogs: true });
app.useLogger(app.get(Logger));
await app.listen(0, '127.0.0.1');

const jwt = app.get(JwtService);
const tokens = personIds(Number(process.env.BENCH_PEOPLE)).map((sub) =>
  jwt.sign({ sub, org: ORGANIZATION, roles: ['member'], sid: sub }),
);
const { port } = app.getHttpServer().address() as AddressInfo;
reportTo(process, { port, tokens } satisfies Ready, () => app.close());
