// Nothing of its own: the headers that all tests include are compiled with it, once.
