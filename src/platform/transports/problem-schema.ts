/** The schema of every problem, in all documents. */
export const PROBLEM = {
  type: 'object',
  description: 'An error (RFC 9457).',
  properties: {
    type: { type: 'string', format: 'uri-reference', description: 'A path on this server that explains the problem.' },
    code: { type: 'string', description: 'The problem, as `<module>/<state>`.' },
    status: { type: 'integer' },
    title: { type: 'string' },
    detail: { type: 'string' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { pointer: { type: 'string', description: 'JSON Pointer into the input.' }, detail: { type: 'string' } },
        required: ['pointer', 'detail'],
      },
    },
  },
  required: ['type', 'code', 'status', 'title', 'requestId'],
};
