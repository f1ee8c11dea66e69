import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { StartError } from '../../start-error.ts';

const Documents = z.record(z.string(), z.string());

/**
 * Id → document, out of the file that a client's build writes.
 * @throws StartError for a file that can't be used
 */
export function readTrustedDocuments(file: string): ReadonlyMap<string, string> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new StartError(`GRAPHQL_DOCUMENTS names ${file}, which can't be read: ${(error as Error).message}`);
  }
  const { success, data } = Documents.safeParse(content);
  if (!success) throw new StartError(`GRAPHQL_DOCUMENTS names ${file}, which is no JSON object of ids and documents.`);
  return new Map(Object.entries(data));
}
