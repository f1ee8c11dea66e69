import { setTimeout as delay } from 'node:timers/promises';
import { randomFrom } from '../faults/rounds.ts';
import { newPerson, type Person } from '../support/person.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { differences, eventsOf } from './comparison.ts';
import type { Place, RoomItem } from './readers/protocol.ts';
import { PROTOCOLS, RoomReader } from './readers/room-reader.ts';
import { roomOf, until } from './room.ts';
import { type Fault, storm } from './storm.ts';
import type { TwoProcesses } from './two-processes.ts';
import { type Acknowledged, Writers } from './writers.ts';

const ROOMS = 3;
const WRITERS = 30;

export interface World {
  readonly product: TwoProcesses;
  readonly redis: TcpProxy | undefined;
  readonly people: readonly Person[];
  readonly rooms: readonly string[];
  readonly readers: readonly RoomReader[];
}

export interface Round {
  readonly events: number;
  /** Requests of writers that were sent again. */
  readonly repeated: number;
  /** How often readers have connected so far. */
  readonly connections: number;
  /** The messages that the database has, and those that it has acknowledged. */
  readonly posted: readonly Acknowledged[];
  readonly acknowledged: readonly Acknowledged[];
  /** What readers lack, or have too much. */
  readonly wrong: readonly string[];
}

/** Rooms, people who write in all of them, and for each room a reader of each protocol. */
export async function gather(product: TwoProcesses, redis: TcpProxy | undefined): Promise<World> {
  const [first, second] = product.places as [Place, Place];
  const people = await Promise.all(Array.from({ length: WRITERS }, (_, index) => newPerson(index % 2 ? first : second)));
  const reading = await newPerson(first, 'Reader');
  const rooms: string[] = [];
  while (rooms.length < ROOMS) rooms.push(await roomOf(reading, ...people.slice(0, -1)));
  const readers = rooms.flatMap((roomId) => PROTOCOLS.map((protocol) => new RoomReader(protocol, reading, roomId)));
  await Promise.all(readers.map((reader, index) => reader.live(product.places[index % 2]!)));
  return { product, redis, people, rooms, readers };
}

/** Writes while things go wrong; then, when all is well again, compares what readers got with what happened. */
export async function carryOut(world: World, seed: number, milliseconds: number): Promise<Round> {
  const { product, people, rooms, readers } = world;
  const random = randomFrom(seed);
  const anyPlace = () => product.places[Math.floor(random() * product.places.length)]!;
  const heads = await Promise.all(rooms.map(async (roomId) => (await eventsOf(product.databaseUrl, roomId, 0)).length));
  for (const reader of readers) {
    reader.items.length = 0;
    reader.stay(anyPlace, () => 50 + random() * 150);
  }

  const writers = new Writers(people, rooms, anyPlace, random);
  const over = new AbortController();
  const written = writers.write(over.signal);
  await rage(storm(random, milliseconds, readers.length, product.places.length), world, anyPlace);
  over.abort();
  await written;

  const happened = new Map<string, RoomItem[]>();
  for (const [index, roomId] of rooms.entries()) happened.set(roomId, await eventsOf(product.databaseUrl, roomId, heads[index]!));
  await allCaughtUp(readers, happened);
  return {
    events: [...happened.values()].flat().length,
    repeated: writers.repeated,
    connections: readers.reduce((sum, reader) => sum + reader.connections, 0),
    posted: inOrder([...happened].flatMap(([roomId, items]) => items.flatMap((item) => messageOf(roomId, item)))),
    acknowledged: inOrder([...writers.acknowledged.values()]),
    wrong: readers.flatMap((reader) => faultsOf(reader, happened.get(reader.roomId)!)),
  };
}

const messageOf = (roomId: string, { id, seq, text }: RoomItem): Acknowledged[] =>
  text === undefined ? [] : [{ id, roomId, seq, text }];

const inOrder = (messages: readonly Acknowledged[]) => messages.toSorted((one, other) => one.id.localeCompare(other.id));

/** Or they never will: the comparison says who lacks what. */
async function allCaughtUp(readers: readonly RoomReader[], happened: ReadonlyMap<string, readonly RoomItem[]>): Promise<void> {
  const hasLast = ({ roomId, items }: RoomReader) => items.at(-1)?.seq === happened.get(roomId)!.at(-1)!.seq;
  await until(() => {
    if (!readers.every(hasLast)) throw new Error('somebody lacks the last event');
  }, 20_000).catch(() => {});
}

function faultsOf({ protocol, items, resets, ended }: RoomReader, happened: readonly RoomItem[]): string[] {
  const faults = differences(items, happened);
  if (resets.length > 0) faults.push(`${resets.length} resets`);
  if (ended) faults.push(`ended with ${ended.code}`);
  return faults.map((fault) => `${protocol.name}: ${fault}`);
}

/** Resolves when all that was killed or cut is there again. */
async function rage(faults: readonly Fault[], world: World, anyPlace: () => Place): Promise<void> {
  const began = performance.now();
  const underWay: Promise<void>[] = [];
  for (const fault of faults) {
    await delay(Math.max(0, fault.at - (performance.now() - began)));
    underWay.push(strike(fault, world, anyPlace));
  }
  await Promise.all(underWay);
}

async function strike(fault: Fault, { product, redis, readers }: World, anyPlace: () => Place): Promise<void> {
  if (fault.what === 'kill') await product.killAndRestart(fault.process);
  else if (fault.what === 'listeners') await product.cutListeners();
  else if (fault.what === 'drop') {
    readers[fault.reader]!.drop();
    readers[fault.reader]!.comeBack(anyPlace, fault.away);
  } else if (redis) {
    await redis[fault.how]();
    await delay(fault.away);
    await redis.restore();
  }
}
