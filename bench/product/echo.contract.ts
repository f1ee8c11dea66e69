import { Id, operation, schema, signedIn, Timestamp } from 'fondasi';
import * as z from 'zod';

const Profile = schema('BenchProfile', {
  id: Id,
  name: z.string(),
  email: z.string(),
  organizationId: Id,
  roles: z.array(z.enum(['owner', 'admin', 'member'])),
  locale: z.string(),
  timeZone: z.string(),
  version: z.int32(),
  createdAt: Timestamp,
});

/** An operation with nothing behind it: what remains is the platform's own cost. Its limit is the default one. */
export const getProfile = operation({
  name: 'bench.profiles.get',
  summary: 'One profile, made up',
  http: 'GET /bench/profiles/:id',
  access: signedIn(),
  input: { id: Id },
  output: Profile,
});
