/**
 * One sentence for the operator: what is wrong and what to do about it. The command line prints only the message, without
 * a stack trace, and ends with exit code 1. Several findings of one check are joined by line breaks.
 */
export class StartError extends Error {
  override readonly name = 'StartError';
}
