# Who is held out: by a hash of pipeline, rule and customer, written anew from the definition of XXH3 (Collet, 64 bits,
# no seed, for texts of 17 to 128 bytes).
SECRET = bytes.fromhex(
    'b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f'
    'cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c'
    '3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8'
    'a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364')
MASK = (1 << 64) - 1


def word(data, at):
    return int.from_bytes(data[at:at + 8], 'little')


def mixed(data, at, secret_at):
    product = (word(data, at) ^ word(SECRET, secret_at)) * (word(data, at + 8) ^ word(SECRET, secret_at + 8))
    return (product & MASK) ^ (product >> 64)


def xxh3(data):
    assert 17 <= len(data) <= 128, len(data)
    total = len(data) * 0x9E3779B185EBCA87
    for pair in range((len(data) - 1) // 32 + 1):
        total += mixed(data, 16 * pair, 32 * pair) + mixed(data, len(data) - 16 * (pair + 1), 32 * pair + 16)
    total &= MASK
    total = (total ^ (total >> 37)) * 0x165667919E3779F9 & MASK
    return total ^ (total >> 32)


def held_out(pipeline, rule, customer):
    """`rule['holdout']`: "25%"."""
    if 'holdout' not in rule:
        return False
    bucket = xxh3(f"holdout\n{pipeline['name']}\n{rule['name']}\n{customer}".encode()) % 10000
    return bucket < int(rule['holdout'].rstrip('%')) * 100
