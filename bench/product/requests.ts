import { randomBytes } from 'node:crypto';
import { requestOf } from '../load.ts';
import { PEOPLE, personIds, roomOf } from './people.ts';

/** A request of every person: for a made-up profile. */
export const profileRequests = (tokens: readonly string[]): Buffer[] => gets('/bench/profiles', tokens);

/** A request of every person: for the row of another one. */
export const userRequests = (tokens: readonly string[]): Buffer[] => gets('/users', tokens);

function gets(path: string, tokens: readonly string[]): Buffer[] {
  const ids = personIds(PEOPLE);
  return ids.map((_id, index) =>
    requestOf({ method: 'GET', path: `${path}/${ids[(index + 7) % PEOPLE]}`, token: tokens[index] }),
  );
}

const FIRST_CLIENT_ID = '00000000-0000-4000-8000-000000000000';
const TEXT = 'Selamat pagi! Rapatnya jadi jam sepuluh, di ruang yang sama seperti minggu lalu.';

/** A message of every person to their room. Both servers get the same bytes; only the reference reads `x-author`. */
export function messageRequests(tokens: readonly string[]): Buffer[] {
  const body = JSON.stringify({ clientId: FIRST_CLIENT_ID, text: TEXT });
  return personIds(PEOPLE).map((id, index) => {
    const path = `/chat/rooms/${roomOf(index)}/messages`;
    const request = requestOf({ method: 'POST', path, token: tokens[index], body }).toString();
    return Buffer.from(request.replace('\r\n', `\r\nx-author: ${id}\r\n`));
  });
}

/** Gives the message a client id that none had before. */
export function newClientIds(): (request: Buffer) => void {
  const run = randomBytes(4).toString('hex');
  let number = 0;
  return (request) => {
    const at = request.indexOf('"clientId":"') + 12;
    request.write(run, at, 'latin1');
    request.write((++number).toString(16).padStart(12, '0'), at + FIRST_CLIENT_ID.length - 12, 'latin1');
  };
}
