import { Injectable } from '@nestjs/common';

export interface StartNotice {
  readonly label: string;
  readonly text: string;
}

/** Lines that a module wants the operator to see when the server has started. */
@Injectable()
export class StartNotices {
  private readonly sources: ((url: string) => Promise<StartNotice | undefined>)[] = [];

  /** `source` gets the address that the server listens on. */
  add(source: (url: string) => Promise<StartNotice | undefined>): void {
    this.sources.push(source);
  }

  async collect(url: string): Promise<StartNotice[]> {
    const notices = await Promise.all(this.sources.map((source) => source(url)));
    return notices.filter((notice) => notice !== undefined);
  }
}
