/** What every server of the bench answers for an id: a profile of about 290 bytes. */
export const profileOf = (id: string) => ({
  id,
  name: 'Ayu Lestari Wulandari',
  email: 'ayu.lestari@example.com',
  organizationId: '00000000-0000-7000-8000-000000000001',
  roles: ['admin', 'member'],
  locale: 'id-ID',
  timeZone: 'Asia/Jakarta',
  version: 7,
  createdAt: '2026-02-03T04:05:06.789Z',
});
