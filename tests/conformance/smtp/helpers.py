"""Servers beside the mail system, which a group asks for by `with NAME`: each is started inside the group's namespaces."""


def start(world, wanted):
    return [STARTERS[name](world, options.split(), content) for name, (options, content) in wanted.items()]


STARTERS = {}
