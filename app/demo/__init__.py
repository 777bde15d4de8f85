"""`streamjoin demo`: a week of a real shop through the whole service on this machine.

Starts the embedded broker and one worker, replays the sample, shows what came out, and lets the
sample's last hours arrive again, slowly, until it is told to stop. Nothing it started stays.
"""
