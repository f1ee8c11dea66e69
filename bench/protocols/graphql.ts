import { dealt, requestOf, type Script } from '../load.ts';
import { PEOPLE, personIds, roomOf } from '../product/people.ts';
import { userRequests } from '../product/requests.ts';
import { judge, type Result, rounded } from '../result.ts';
import { interleaved, overHttp } from '../rounds.ts';
import type { Protocols } from './group.ts';
import { authorsOf } from '../product/messages.ts';

const CONNECTIONS = 32;
/** Of each room. */
export const MESSAGES = 50;

const USER = 'query ($id: ID!) { usersGet(id: $id) { id name roles } }';
const LIST = `query ($roomId: ID!, $first: Int!) {
  chatMessagesList(roomId: $roomId, first: $first) { nodes { id roomId seq authorId text postedAt author { id name roles } } }
}`;

/** One object as a GraphQL query, beside REST's GET of the same one. */
export async function graphqlObjectRow({ pace, fondasi }: Protocols): Promise<Result[]> {
  const { tokens } = fondasi.ready;
  const ids = personIds(PEOPLE);
  const queries = ids.map((_id, index) => query(USER, { id: ids[(index + 7) % PEOPLE] }, tokens[index]));
  const sides = {
    graphql: overHttp(fondasi, noErrors(dealt(queries, CONNECTIONS))),
    rest: overHttp(fondasi, dealt(userRequests(tokens), CONNECTIONS)),
  };
  const { graphql, rest } = await interleaved(sides, pace);
  const reference = `REST: ${rounded(rest.perSecond)}/s, ${rounded(rest.cpuPerRequest)} µs; GraphQL: ${rounded(graphql.perSecond)}/s, ${rounded(graphql.cpuPerRequest)} µs`;
  return [judge('GraphQL query of one object', graphql.perSecond / rest.perSecond, '×', reference, '≥ 0.55')];
}

/** Messages with their authors as one GraphQL query, beside the two calls over REST that make the same: messages, then authors. */
export async function graphqlListRow({ pace, fondasi }: Protocols): Promise<Result[]> {
  const { tokens } = fondasi.ready;
  const queries = tokens.map((token, index) => query(LIST, { roomId: roomOf(index), first: MESSAGES }, token));
  const calls = tokens.map((token, index) => {
    const room = roomOf(index);
    const authors = new URLSearchParams(authorsOf(index).map((id) => ['ids', id]));
    return [
      requestOf({ method: 'GET', path: `/chat/rooms/${room}/messages?limit=${MESSAGES}`, token }),
      requestOf({ method: 'GET', path: `/users/many?${authors}`, token }),
    ];
  });
  const inTurn = Array.from({ length: CONNECTIONS }, (_, connection) => ({
    requests: calls.filter((_pair, index) => index % CONNECTIONS === connection).flat(),
  }));
  const sides = {
    graphql: overHttp(fondasi, noErrors(dealt(queries, CONNECTIONS))),
    rest: overHttp(fondasi, inTurn),
  };
  const { graphql, rest } = await interleaved(sides, pace);
  const perSecond = rest.perSecond / 2;
  const reference = `two REST calls: ${rounded(perSecond)}/s, ${rounded(rest.cpuPerRequest * 2)} µs; GraphQL: ${rounded(graphql.perSecond)}/s, ${rounded(graphql.cpuPerRequest)} µs`;
  return [judge('GraphQL list of 50 with their authors', graphql.perSecond / perSecond, '×', reference, '≥ 0.6')];
}

const query = (document: string, variables: object, token: string | undefined) =>
  requestOf({ method: 'POST', path: '/graphql', token, body: JSON.stringify({ query: document, variables }) });

/** GraphQL says 200 also when it refuses. */
const noErrors = (scripts: readonly Script[]): Script[] =>
  scripts.map((script) => ({ ...script, isRefusal: (answer) => answer.includes('"errors":') }));
