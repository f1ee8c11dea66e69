import { problem } from './problem.ts';

/** Problems that any operation may answer with; contracts list only their own. */
export const Unauthenticated = problem(
  'platform/unauthenticated',
  401,
  'You are not signed in',
  'Send a valid access token: `Authorization: Bearer …`. A token that has expired is renewed with the refresh token.',
);
export const Forbidden = problem(
  'platform/forbidden',
  403,
  'You may not do this',
  'Your roles in this organization do not include the permission that the operation asks for.',
);
export const StepUpRequired = problem(
  'platform/step-up-required',
  403,
  'Prove that it is you once more',
  'The operation asks for a recent sign-in. Sign in again and repeat it.',
);
export const NotFound = problem(
  'platform/not-found',
  404,
  'There is nothing here',
  'No such path, or nothing that you can see under this id.',
);
export const MethodNotAllowed = problem(
  'platform/method-not-allowed',
  405,
  'This path does not answer to this method',
  'The `Allow` header lists the methods that it does answer to.',
);
export const InvalidInput = problem(
  'platform/invalid-input',
  400,
  'The input does not fit the schema',
  '`errors` lists each wrong place as a JSON Pointer with the reason.',
);
export const NotAcceptable = problem(
  'platform/not-acceptable',
  406,
  'You accept nothing that this path answers with',
  'A stream of events is `text/event-stream`: name it in the `Accept` header, or leave the header out.',
);
export const UpgradeRequired = problem(
  'platform/upgrade-required',
  426,
  'This path speaks WebSocket only',
  'Connect with a WebSocket client (version 13), and offer the subprotocol that the path speaks.',
);
export const MalformedRequest = problem(
  'platform/malformed-request',
  400,
  'The request can not be read',
  'It is no valid HTTP, the body is no valid JSON in UTF-8, or a header appears twice that may appear once.',
);
export const RequestTimeout = problem(
  'platform/request-timeout',
  408,
  'The request came too slowly',
  'Send it again, whole, within the time that `REQUEST_TIMEOUT` allows. Nothing of it took effect.',
);
export const HeadersTooLarge = problem(
  'platform/headers-too-large',
  431,
  'The address and the headers of the request are too large',
  'Together they may take 16 KB.',
);
export const UnsupportedMediaType = problem(
  'platform/unsupported-media-type',
  415,
  'This content type is not understood',
  'Send `Content-Type: application/json`, compressed with nothing but gzip, deflate or Brotli.',
);
export const PayloadTooLarge = problem(
  'platform/payload-too-large',
  413,
  'The request is too large',
  'Send less, or raise `BODY_LIMIT`.',
);
export const TooManyRequests = problem(
  'platform/too-many-requests',
  429,
  'Too many requests',
  'Wait for the seconds that `Retry-After` names, then try again.',
);
export const VersionMismatch = problem(
  'platform/version-mismatch',
  412,
  'Somebody else changed it meanwhile',
  'Read it again, apply your change to the new version, and send that version along.',
);
export const IdempotencyKeyReused = problem(
  'platform/idempotency-key-reused',
  422,
  'This Idempotency-Key belongs to another request',
  'A key names one request. Make a new key for a new request.',
);
export const AlreadyDone = problem(
  'platform/already-done',
  409,
  'This was done already',
  'The first answer was secret and is not kept. Do not repeat the request with this key.',
);
export const InternalError = problem(
  'platform/internal-error',
  500,
  'Something went wrong on our side',
  'Nothing is known to be wrong with the request. Give the `requestId` to whoever runs this system.',
);
export const Unavailable = problem('platform/unavailable', 503, 'Not available just now', 'Try again shortly.');
export const DeadlineExceeded = problem(
  'platform/deadline-exceeded',
  504,
  'It took too long',
  'The operation did not end before its deadline; whether it took effect is unknown. Retry where the operation says that a retry is safe.',
);
export const Cancelled = problem(
  'platform/cancelled',
  499,
  'You called it off',
  'The operation was cancelled before it ended; whether it took effect is unknown.',
);
export const AlreadySubscribed = problem(
  'platform/already-subscribed',
  409,
  'This connection follows the stream already',
  'Its items come once to a connection. Unsubscribe first where you want to begin elsewhere.',
);
export const SubscriberTooSlow = problem(
  'platform/subscriber-too-slow',
  429,
  'You read more slowly than things happen',
  'Too much was waiting to be read. Subscribe again with the last cursor that you got: nothing is lost.',
);
export const InvalidDocument = problem(
  'platform/invalid-document',
  400,
  'The GraphQL document does not fit the schema',
  '`locations` tell where. The schema is what introspection answers, where it is on.',
);
export const TooComplex = problem(
  'platform/too-complex',
  400,
  'The GraphQL document asks for too much at once',
  'Ask for fewer fields, shorter lists or less nesting, in several requests.',
);
export const UnknownDocument = problem(
  'platform/unknown-document',
  403,
  'This GraphQL document is not one of those that run here',
  'The server runs the documents that `GRAPHQL_DOCUMENTS` lists: send the id of one of them as `documentId`.',
);
