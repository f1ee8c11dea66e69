import { createHash, randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Role } from '#platform/contract/access';
import { Forbidden } from '#platform/contract/platform.problems';
import { Problem } from '#platform/contract/problem';
import { newId } from '#platform/new-id';
import type { Caller } from '#platform/operations/caller';
import { InvitationNotFound } from './contract.ts';
import { InvitationsRepository } from './invitations.repository.ts';
import { PersonEventsService } from './person-events.service.ts';
import { mayGrant } from './roles.rules.ts';

const DAYS_VALID = 7;
const hashOf = (token: string) => createHash('sha256').update(token).digest();

@Injectable()
export class InvitationsService {
  constructor(
    private readonly invitations: InvitationsRepository,
    private readonly events: PersonEventsService,
  ) {}

  async create(roles: Role[], caller: Caller) {
    if (!mayGrant(caller.roles, roles)) throw new Problem(Forbidden, 'Nobody can give more than they have');
    const token = randomBytes(32).toString('base64url');
    const id = newId();
    const expiresAt = new Date(Date.now() + DAYS_VALID * 86_400_000).toISOString();
    await this.invitations.insert({
      org_id: caller.organizationId,
      id,
      token_hash: hashOf(token),
      roles,
      invited_by: caller.personId,
      expires_at: expiresAt,
    });
    return { id, token, expiresAt };
  }

  /** Accepting again what one has accepted answers the same. */
  async accept(token: string, personId: string) {
    const membership = await this.invitations.accept(hashOf(token), personId);
    if (!membership) throw new Problem(InvitationNotFound);
    this.events.tell(personId);
    return membership;
  }

  /** @throws Problem InvitationNotFound for one that the person may not use and has not used */
  async mustBeOpenTo(token: string, personId: string): Promise<void> {
    if (!(await this.invitations.isOpenTo(hashOf(token), personId))) throw new Problem(InvitationNotFound);
  }
}
