import * as z from 'zod';
import { anyone, signedIn } from '#platform/contract/access';
import { event } from '#platform/contract/event';
import { perAddress, perCaller } from '#platform/contract/limit';
import { nothing, operation } from '#platform/contract/operation';
import { problem } from '#platform/contract/problem';
import { rawRoute } from '#platform/contract/raw-route';
import { Id, schema } from '#platform/contract/schema';
import { InvitationNotFound, OrganizationNotFound, OwnerExists } from '#modules/users/contract';

const Email = z.email().max(254);
/** NIST SP 800-63B-4, 3.1.1.2: at least 15 characters where the password is the only factor, and no rules of composition. */
const NewPassword = z.string().min(15).max(256);

/** An access token for a few minutes; a refresh token to get the next one, once. */
export const Tokens = schema('Tokens', {
  tokenType: z.string(),
  accessToken: z.string(),
  expiresIn: z.int32(),
  refreshToken: z.string(),
  organizationId: Id,
});

export const AccessToken = schema('AccessToken', {
  tokenType: z.string(),
  accessToken: z.string(),
  expiresIn: z.int32(),
  organizationId: Id,
});

export const WrongCredentials = problem(
  'auth/wrong-credentials',
  401,
  'E-mail address or password is wrong',
  'Which of the two is not told, so that nobody can find out who has an account.',
);
export const SignUpClosed = problem(
  'auth/sign-up-closed',
  403,
  'Nobody can sign up here',
  'An administrator decides who gets an account (`SIGN_UP`).',
);
export const InvitationRequired = problem(
  'auth/invitation-required',
  403,
  'Signing up takes an invitation',
  'Send the invitation that a member gave you as `invitation`.',
);
export const SessionEnded = problem(
  'auth/session-ended',
  401,
  'The session has ended',
  'The refresh token is unknown, used up or expired, or the session was signed out. Sign in again.',
);
export const SetupTokenWrong = problem(
  'auth/setup-token-wrong',
  403,
  'The link is not valid',
  'The server prints a valid link when it starts, as long as there is no administrator.',
);
export const AddressTaken = problem(
  'auth/address-taken',
  409,
  'This address has an account already',
  'Sign in with its password, or make the first administrator with another address.',
);
export const TooManySignIns = problem(
  'auth/busy',
  429,
  'Too many people are signing in just now',
  'Wait a few seconds, then try again.',
);

export const signUp = operation({
  name: 'auth.signUp',
  summary: 'Make an account',
  description:
    'Answers the same whether or not the address has an account already, so that nobody can find out. Sign in afterwards. `SIGN_UP` says who may: anybody, people with an invitation, or nobody.',
  http: 'POST /auth/sign-up',
  access: anyone(),
  input: { email: Email, password: NewPassword, name: z.string().min(1).max(100), invitation: z.string().max(200).optional() },
  output: nothing,
  problems: [SignUpClosed, InvitationRequired, InvitationNotFound, TooManySignIns],
  limit: perAddress(20, '1m'),
  retry: 'safe',
});

export const signIn = operation({
  name: 'auth.signIn',
  summary: 'Sign in',
  http: 'POST /auth/sign-in',
  access: anyone(),
  input: { email: Email, password: z.string().min(1).max(256), organizationId: Id.optional() },
  output: Tokens,
  problems: [WrongCredentials, OrganizationNotFound, InvitationNotFound, OwnerExists, TooManySignIns],
  limit: perAddress(30, '1m'),
  secret: true,
});

export const refresh = operation({
  name: 'auth.refresh',
  summary: 'Renew the access token',
  description: 'Each refresh token works once. Using one again ends the whole session: one of the two users of it is a thief.',
  http: 'POST /auth/refresh',
  access: anyone(),
  input: { refreshToken: z.string().min(1).max(200) },
  output: Tokens,
  problems: [SessionEnded, OrganizationNotFound],
  limit: perAddress(120, '1m'),
  secret: true,
});

export const signOut = operation({
  name: 'auth.signOut',
  summary: 'End the session',
  description: 'Its refresh token and its access tokens are refused from now on.',
  http: 'POST /auth/sign-out',
  access: signedIn(),
  input: {},
  output: nothing,
  retry: 'safe',
});

export const switchOrganization = operation({
  name: 'auth.switchOrganization',
  summary: 'Act in another organization',
  description: 'Answers an access token for it; the session, and what is refreshed from it, moves there too.',
  http: 'POST /auth/switch-organization',
  access: signedIn(),
  input: { organizationId: Id },
  output: AccessToken,
  problems: [OrganizationNotFound, SessionEnded],
  limit: perCaller(60, '1m'),
  secret: true,
});

export const setUp = operation({
  name: 'auth.setUp',
  summary: 'Make the first administrator',
  description: 'With the token of the link that the server prints at its first start. Works once.',
  http: 'POST /auth/set-up',
  access: anyone(),
  input: { token: z.string().min(1).max(200), email: Email, password: NewPassword, name: z.string().min(1).max(100) },
  output: nothing,
  problems: [SetupTokenWrong, AddressTaken, OwnerExists, TooManySignIns],
  limit: perAddress(10, '1m'),
});

export const setupPage = rawRoute({
  name: 'auth.setupPage',
  summary: 'The page behind the link that makes the first administrator',
  http: 'GET /setup',
  access: anyone(),
  limit: [perAddress(60, '1m')],
  produces: 'text/html; charset=utf-8',
});

export const keySet = rawRoute({
  name: 'auth.keySet',
  summary: 'The public keys of access tokens (RFC 7517)',
  http: 'GET /.well-known/jwks.json',
  access: anyone(),
  limit: [perAddress(600, '1m')],
  produces: 'application/json; charset=utf-8',
});

export const SessionStarted = event({
  name: 'auth.session-started',
  version: 1,
  key: 'personId',
  data: { personId: Id, sessionId: Id },
});
export const SessionRevoked = event({
  name: 'auth.session-revoked',
  version: 1,
  key: 'personId',
  data: { personId: Id, sessionId: Id },
});
