import * as z from 'zod';
import { may, permission, ROLES, service, signedIn } from '#platform/contract/access';
import { channel } from '#platform/contract/channel';
import { event } from '#platform/contract/event';
import { perCaller } from '#platform/contract/limit';
import { nothing, operation, page, paging } from '#platform/contract/operation';
import { problem } from '#platform/contract/problem';
import { Id, schema, Timestamp, union } from '#platform/contract/schema';

const Name = z.string().min(1).max(100);
const Roles = z.array(z.enum(ROLES)).min(1).max(ROLES.length);

/** What members of an organization may see of each other. */
export const User = schema('User', { id: Id, name: z.string(), roles: z.array(z.enum(ROLES)) });

/** What a person sees of themselves. */
export const Me = schema('Me', {
  id: Id,
  name: z.string(),
  email: z.string(),
  organizationId: Id,
  roles: z.array(z.enum(ROLES)),
  version: z.int32(),
});

export const Organization = schema('Organization', {
  id: Id,
  name: z.string(),
  roles: z.array(z.enum(ROLES)),
  createdAt: Timestamp,
});

/** An invitation is handed over as text, by whatever way; it is shown once. */
export const Invitation = schema('Invitation', { id: Id, token: z.string(), expiresAt: Timestamp });

/** Where a person acts, and as what. */
export const Membership = schema('Membership', { personId: Id, organizationId: Id, roles: z.array(z.enum(ROLES)) });

export const UserList = schema('UserList', { items: z.array(User) });
export const OwnerFound = schema('OwnerFound', { found: z.boolean() });

export const UserNotFound = problem(
  'users/user-not-found',
  404,
  'There is no such user',
  'Nobody in your organization has this id.',
);
export const OrganizationNotFound = problem(
  'users/organization-not-found',
  404,
  'You belong to no such organization',
  'List your organizations with `GET /organizations`.',
);
export const InvitationNotFound = problem(
  'users/invitation-not-found',
  404,
  'There is no such invitation',
  'It was used, has expired, or never was. Ask for a new one.',
);
export const OwnerExists = problem(
  'users/owner-exists',
  409,
  'There is an administrator already',
  'Sign in as that person, or ask them for an invitation.',
);

export const ListMembers = permission({
  name: 'users.members.list',
  summary: 'See who belongs to the organization',
  roles: ['owner', 'admin', 'member'],
});
export const InviteMembers = permission({
  name: 'users.members.invite',
  summary: 'Invite people into the organization',
  roles: ['owner', 'admin'],
});

export const getMe = operation({
  name: 'users.me',
  summary: 'Who am I',
  http: 'GET /users/me',
  access: signedIn(),
  input: {},
  output: Me,
  version: 'version',
});

export const updateMe = operation({
  name: 'users.update',
  summary: 'Change my profile',
  description:
    'Send the version that you have read (`If-Match` over REST), and a change that somebody else made meanwhile is not lost.',
  http: 'PATCH /users/me',
  access: signedIn(),
  input: { name: Name, version: z.int32().optional() },
  output: Me,
  version: 'version',
  retry: 'key',
});

export const getUser = operation({
  name: 'users.get',
  summary: 'One user of my organization',
  http: 'GET /users/:id',
  access: signedIn(),
  input: { id: Id },
  output: User,
  problems: [UserNotFound],
  agent: true,
});

export const getUsers = operation({
  name: 'users.getMany',
  summary: 'Several users of my organization at once',
  description: 'Ids that belong to nobody in the organization are left out.',
  http: 'GET /users/many',
  access: signedIn(),
  input: { ids: z.array(Id).min(1).max(100) },
  output: UserList,
});

export const listUsers = operation({
  name: 'users.list',
  summary: 'The users of my organization',
  http: 'GET /users',
  access: may(ListMembers),
  input: paging(),
  output: page(User),
  agent: true,
});

export const createOrganization = operation({
  name: 'users.organizations.create',
  summary: 'Found an organization',
  http: 'POST /organizations',
  success: 201,
  access: signedIn(),
  input: { name: Name },
  output: Organization,
  limit: perCaller(10, '1h'),
  retry: 'key',
});

export const listOrganizations = operation({
  name: 'users.organizations.list',
  summary: 'The organizations that I belong to',
  http: 'GET /organizations',
  access: signedIn(),
  input: paging(),
  output: page(Organization),
});

export const createInvitation = operation({
  name: 'users.invitations.create',
  summary: 'Invite somebody into my organization',
  http: 'POST /invitations',
  success: 201,
  access: may(InviteMembers),
  input: { roles: Roles },
  output: Invitation,
  limit: perCaller(60, '1h'),
  secret: true,
  retry: 'key',
});

export const acceptInvitation = operation({
  name: 'users.invitations.accept',
  summary: 'Join the organization that invited me',
  http: 'POST /invitations/accept',
  access: signedIn(),
  input: { token: z.string().min(1).max(200) },
  output: Membership,
  problems: [InvitationNotFound],
  limit: perCaller(20, '1h'),
  retry: 'safe',
});

export const registerPerson = operation({
  name: 'users.register',
  summary: 'Record a person who is signing up',
  description: 'Repeating it with the same id does no harm.',
  http: 'POST /internal/users',
  access: service(),
  input: {
    id: Id,
    name: Name,
    email: z.email().max(254),
    as: z.enum(['member', 'firstOwner', 'invited']),
    invitation: z.string().optional(),
  },
  output: nothing,
  problems: [InvitationNotFound, OwnerExists],
  retry: 'safe',
});

export const checkInvitation = operation({
  name: 'users.invitations.check',
  summary: 'Whether a person may use an invitation, or did',
  http: 'POST /internal/invitations/check',
  access: service(),
  input: { token: z.string().min(1).max(200), personId: Id },
  output: nothing,
  problems: [InvitationNotFound],
  retry: 'safe',
});

export const getMembership = operation({
  name: 'users.membership',
  summary: 'Where a person acts: the organization asked for, or their first',
  http: 'GET /internal/memberships',
  access: service(),
  input: { personId: Id, organizationId: Id.optional() },
  output: Membership,
  problems: [OrganizationNotFound],
});

export const findOwner = operation({
  name: 'users.findOwner',
  summary: 'Whether the product has an administrator',
  http: 'GET /internal/owner',
  access: service(),
  input: {},
  output: OwnerFound,
});

export const ProfileChanged = event({ name: 'users.profile-changed', version: 1, key: 'personId', data: { personId: Id } });
export const MembershipChanged = event({
  name: 'users.membership-changed',
  version: 1,
  key: 'personId',
  data: { personId: Id, organizationId: Id },
});

export const MyProfile = schema('MyProfile', {
  type: z.literal('profile'),
  name: z.string(),
  version: z.int32(),
  at: Timestamp,
});
export const MyMembership = schema('MyMembership', {
  type: z.literal('membership'),
  organizationId: Id,
  roles: z.array(z.enum(ROLES)),
  at: Timestamp,
});
/** What happens to a person: a new name, new roles somewhere. */
export const MyEvent = union('MyEvent', 'type', [MyProfile, MyMembership]);

export const me = channel({
  name: 'users.me',
  summary: 'What happens to me, on any of my devices and by anybody',
  description: 'New roles are in an access token once it is renewed.',
  http: 'GET /users/me/events',
  access: signedIn(),
  params: {},
  item: MyEvent,
  events: [ProfileChanged, MembershipChanged],
});
