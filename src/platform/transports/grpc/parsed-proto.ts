import protobuf from 'protobufjs';

/** The document as protobuf's own library understands it, with the types that it imports. */
export function parsedProto(text: string): protobuf.Root {
  const root = new protobuf.Root();
  const { imports } = protobuf.parse(text, root, { keepCase: true });
  for (const file of imports ?? []) root.addJSON(protobuf.common.get(file)!.nested!);
  root.resolveAll();
  return root;
}
