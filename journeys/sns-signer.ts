// Stands for Amazon SNS in tests: a key and a certificate that were made for nothing else.
import { sign } from 'node:crypto'

export const certificate = `-----BEGIN CERTIFICATE-----
MIIDGTCCAgGgAwIBAgIUU86KWq6X2/fEAwwoxxz89WRT9UswDQYJKoZIhvcNAQEL
BQAwGzEZMBcGA1UEAwwQc25zLnRlc3QuaW52YWxpZDAgFw0yNjExMjIwNDMyNTFa
GA8yMTI2MTAyOTA0MzI1MVowGzEZMBcGA1UEAwwQc25zLnRlc3QuaW52YWxpZDCC
ASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAMe4ZSIMMsUtLzUHbIYTe6d2
uaYgX8wz3QQJBAUYG9kGasVwqykYl28anBEZyYus8b1PnLTFuQdDW7mnAfkuFXfN
btLysN1SP3X6LfUMjJtOiS9PO7Y141Gdd2NMEVFIt0pY4UR2+C8dwN5p7KJi3q4r
oIEAEtdqEnhduw0J3MW/lPxtEAzl97N541DYYfJSTwY+ZU1mwvs3ODhZvwwmAGr1
qrKFKcrR59sTLWveaJb2xcrUYfkG7WOsM1AhR9LD7czKiwiubfn4w9+0Hq0YlNuY
/xatKynAPi5/keyCf++wa5GpCxR0lWt4H3oViamgCJjjkaoqBtBhgIKqulBFoTEC
AwEAAaNTMFEwHQYDVR0OBBYEFH204PV0YM/CuQn0k0gMkD9SjcdSMB8GA1UdIwQY
MBaAFH204PV0YM/CuQn0k0gMkD9SjcdSMA8GA1UdEwEB/wQFMAMBAf8wDQYJKoZI
hvcNAQELBQADggEBACjBIGt53E2oZepU4GqSvkzmxz7uvbEex3Iy7pMoY6IeF99/
uf5r3Nn7dREtBA08S42aYqm1nFCTTb+wmFKdXrLrvf73Sx5fq4joYyqiVqAOvA7H
12Bt4DuIZrRFnxgPNi7BPmZpzKYXbjHuwqXmg8tn4Yvo+IW2vDJqSBFmIntkqH1J
VpQkgeleTzTE/gt6dWKWZUEOfc3cgkrcayItgXg3apmLNR7Yp3IuVx5+T0DP5CJR
0HpCkHqHRtbJZwq6uj9YF5DS8dSmnueAAx/ku7rD2r+yuE8iIibf2/vePQinpuTF
tYrubRRjLYbhQC/FyHHciXo2HC5FWp550WAXXBA=
-----END CERTIFICATE-----
`

const key = `-----BEGIN PRIVATE KEY-----
MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDHuGUiDDLFLS81
B2yGE3undrmmIF/MM90ECQQFGBvZBmrFcKspGJdvGpwRGcmLrPG9T5y0xbkHQ1u5
pwH5LhV3zW7S8rDdUj91+i31DIybTokvTzu2NeNRnXdjTBFRSLdKWOFEdvgvHcDe
aeyiYt6uK6CBABLXahJ4XbsNCdzFv5T8bRAM5fezeeNQ2GHyUk8GPmVNZsL7Nzg4
Wb8MJgBq9aqyhSnK0efbEy1r3miW9sXK1GH5Bu1jrDNQIUfSw+3MyosIrm35+MPf
tB6tGJTbmP8WrSspwD4uf5Hsgn/vsGuRqQsUdJVreB96FYmpoAiY45GqKgbQYYCC
qrpQRaExAgMBAAECggEALcFMqBd31Sz0HPfBsNjLUjMUtp7Bm7iBCLDhEyKyFI8Q
DIIysERSQzGrMg7AmgeJzVdtHQwURvnzTG3auaHJaMwveNQBWX8Di22AtFyG5PjB
3I0QLr8bQEItTRoq+H6KgVWp7CO+WZr9KedF/3Dbt7bGe29PIbtLFnjQxtysz7+b
7N6u2dcz+xU0a8mCbCAoPKFnZugKuiBTgr0cAmL1kibx9QbwmE2h9uCu/qvy1ZIV
3cZ3xfdKKL6qa+SIFjRhnqFNx/YyKhd0HxYXwofRi3lqXhkE3mau85Pv5jWWM4WX
McOBjYuwKNO3BFGUffRpSKOOz7bF3C4Gom1kbC1v3QKBgQDuOQQI7NKwSZvWnmGZ
FaTsKs8f+2UsTw4EsOcPkiThAgThaLDticLIrh7+fJz6RXRoPSm2BLWAw7reflye
RqTK5uIWgqeg2MJevie/fJHSR/48sQGbDNvtvkFMzJfgQeGJn08Mtfbk7U/lKyqm
vZGYBKyfqLrho2mZhDyZZ8+CPQKBgQDWn9UmTTpxUq8hgvmxzZ/n5aZVsBDqJyqX
w3Ah1qGwDBIWl2f62Co7UkzlFCUuthdhC/3/Gzr872JCDNPb3z5CvEFKJPM6vgcj
6qV8S/9lJdarO95dicvr+P6Bg9LvA06XWEeznEYEIjTDNLasLlQ2+R0NABk47e9K
bcGqZcfOBQKBgQDPmEIK4Q3tcAfs7FJSzEjPQbMDxNjy1uV5cwu4Rvv6VP8Zy1i7
d5yVsx7xWHiXpGT/3aT2qH3e+zJiZ62ghCFha/hD85HOmnYvh/gtZ4nPvMsx6nJi
wr75HB3dpkEHvYGko36Irh28e41vQMHHUlWJKzGfZLOOpBAHJvSEHrH3ZQKBgQC9
QQe11JfaYezoghQog4ej90+rc6wWrh7S4JW6YQcGtD4nCa+49HCZCsOfpRn8jLkk
7Gw3Tg3ACF7+m00eL0c5lcOE2/xXKkYll74BUwqMaMdZC1vT47ScCl5yWongFWxx
7HidmwnqjzczgwIp5liAeT7yvcl/99/wI8SIu2Nq+QKBgQCwJAwtuREH9swJiqkh
BzbjrPaFJirOPl40WLf5rexkde66IK3pKXk9zz5WW+rdESQdzW3MN/dzzYDl6m+3
fpthlKxPPUGjaCA0z/LTt1dY/2hpxhvmQubuYcwT51IeDPjxmOZt2/rJGInhZegZ
4/NVL3rxCOYj3/8Iuguj2Guqzg==
-----END PRIVATE KEY-----
`

const names = ['Message', 'MessageId', 'SubscribeURL', 'Subject', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const

/** A message as SNS posts it, signed. */
export function snsBody(fields: Partial<Record<(typeof names)[number] | 'SigningCertURL', string>>): string {
  const given: Record<string, string> = {
    Type: 'Notification',
    Timestamp: new Date().toISOString(),
    SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-test.pem',
    SignatureVersion: '2',
    ...fields,
  }
  const signed = names.flatMap((name) => (given[name] === undefined ? [] : [`${name}\n${given[name]}\n`])).join('')
  return JSON.stringify({ ...given, Signature: sign('sha256', Buffer.from(signed), key).toString('base64') })
}
