import { Controller } from '@nestjs/common';
import { FondasiModule, type Input, Operation, type Output } from 'fondasi';
import * as contract from './echo.contract.ts';
import { profileOf } from './profile.ts';

@Controller()
class ProfilesController {
  @Operation(contract.getProfile)
  get({ id }: Input<typeof contract.getProfile>): Output<typeof contract.getProfile> {
    return profileOf(id) as Output<typeof contract.getProfile>;
  }
}

@FondasiModule({ name: 'bench', summary: 'What is measured.', contract, controllers: [ProfilesController] })
export class BenchModule {}
