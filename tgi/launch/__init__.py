"""How real TGI is started on GPUs for this gateway: profiles as data, and what they mean as a command line.

Nothing is started from here, and the gateway never imports it: `python -m tgi.launch PROFILE` prints what to run.
"""
