import type { Problem } from '../contract/problem.ts';

/** RFC 9457. `type` is a path on this server, where the problem is explained; `code` is the same without the path. */
export interface ProblemBody {
  type: string;
  code: string;
  status: number;
  title: string;
  detail?: string;
  requestId: string;
  errors?: readonly { pointer: string; detail: string }[];
}

export const problemPath = (code: string) => `/problems/${code}`;

export function problemBody({ definition, message, errors }: Problem, requestId: string): ProblemBody {
  const { code, status, title, help } = definition;
  const detail = message === title ? help : message;
  return {
    type: problemPath(code),
    code,
    status,
    title,
    ...(detail !== undefined && { detail }),
    requestId,
    ...(errors && { errors }),
  };
}
