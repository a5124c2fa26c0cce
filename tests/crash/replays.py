"""What the tests that kill, damage and cut off replays share: the data, the command, the outputs."""

import os
import re
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EBB = os.environ.get('EBB_BINARY', os.path.join(ROOT, 'build/release/bin/ebb'))
STREAMS = ('alerts', 'scores', 'quarantine', 'shadow')
SOURCES = ('calls', 'recharges', 'complaints', 'usage', 'ports', 'surveys')


def prepare(ebb, data, customers, days):
    """Generated data with some bad lines and some twice, and the shipped pipeline with duplicates of calls left out."""
    subprocess.run([ebb, 'generate', 'telecom', '--out', data, '--customers', str(customers), '--days', str(days),
                    '--seed', '5'], check=True, stdout=subprocess.DEVNULL)
    with open(f'{data}/calls.jsonl', encoding='utf-8') as file:
        lines = file.readlines()
    for at in range(50, len(lines), 400):
        lines[at] = lines[at][:37] + '\n'
    for at in range(len(lines) - 100, 100, -90):
        lines.insert(at + at % 97, lines[at])
    with open(f'{data}/calls.jsonl', 'w', encoding='utf-8') as file:
        file.writelines(lines)
    with open(os.path.join(ROOT, 'config', 'pipelines', 'telecom.yaml'), encoding='utf-8') as file:
        text = file.read()
    text = text.replace('key: /subscriber/id', 'key: /subscriber/id\n    id: /record_id', 1)
    with open(f'{data}/pipeline.yaml', 'w', encoding='utf-8') as file:
        file.write(text)


def replay(ebb, data, directory, *extra):
    """The command of a replay of `data` whose outputs lie in `directory`."""
    command = [ebb, 'replay', f'{data}/pipeline.yaml', '--quiet', '--digest']
    for source in SOURCES:
        command += ['--input', f'{source}={data}/{source}.jsonl']
    for stream in STREAMS:
        command += ['--output', f'{stream}={directory}/{stream}.jsonl']
    return command + list(extra)


def stateful(ebb, data, directory, chance, small):
    """The command with a state, and with what changes no result left to chance. `small`: so little memory that at every
    commit all rows leave it."""
    return replay(ebb, data, directory, '--state', f'{directory}/state', '--tasks', str(chance.choice([1, 1, 2, 3])),
                  '--batch', str(chance.choice([64, 500, 2048])), '--commit-interval', chance.choice(['2ms', '20ms']),
                  *(('--memory', '1MB') if small else ()))


def outputs(directory):
    """Stream -> its bytes; none where there is no file."""
    texts = {}
    for stream in STREAMS:
        path = f'{directory}/{stream}.jsonl'
        texts[stream] = b''
        if os.path.exists(path):
            with open(path, 'rb') as file:
                texts[stream] = file.read()
    return texts


def refusal(done):
    """What is wrong with an end that isn't success; None for a clear refusal."""
    text = done.stderr.decode('utf-8', errors='replace')
    if done.returncode not in (1, 2):
        return f'ended with {done.returncode}: {text}'
    if done.stdout:
        return f'refused, and wrote to standard output: {done.stdout[:200]}'
    if text.count('\n') != 1 or len(text) < 20:
        return f'the refusal is not one sentence: {text}'
    if re.search(r'[cC]heck failed|terminate called|what\(\)|\.cc:\d|#0 |Sanitizer', text):
        return f'the refusal is a crash: {text}'
    return None


class Reference:
    """Outputs and digests of a run that was never disturbed. Immutable after construction."""

    def __init__(self, ebb, data, directory):
        os.mkdir(directory)
        self.digests = subprocess.run(replay(ebb, data, directory), check=True, stdout=subprocess.PIPE).stdout
        self.outputs = outputs(directory)
        shutil.rmtree(directory)
        if not self.outputs['alerts'] or not self.outputs['quarantine']:
            raise SystemExit('the reference run wrote no alerts or no quarantine: nothing would be compared')

    def difference(self, printed, directory):
        """What differs in a run that printed this and whose outputs are there; None when nothing does."""
        if printed != self.digests:
            return f'other digests:\n{self.digests.decode()}{printed.decode()}'
        actual = outputs(directory)
        return next((f'other {stream}' for stream in STREAMS if actual[stream] != self.outputs[stream]), None)
