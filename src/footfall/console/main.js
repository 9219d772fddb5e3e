// The console starts here.
